import { type Field, Name } from "../http/field.ts";
import { UNKNOWN_LENGTH } from "../http/message.ts";
import { MAX_LENGTH_DIGITS } from "./limits.ts";
import { startsWith, TOKEN } from "./octets.ts";
import { Refusal } from "./refusal.ts";

export const CONTENT_LENGTH = Name.of("content-length");
export const TRANSFER_ENCODING = Name.of("transfer-encoding");

/** What the fields of one head say about its body (RFC 9112 6), collected as they are read. */
export class Framing {
  contentLength = UNKNOWN_LENGTH;
  chunked = false;

  reset(): void {
    this.contentLength = UNKNOWN_LENGTH;
    this.chunked = false;
  }

  /** Takes a `content-length` or `transfer-encoding` in; throws `Refusal` when the length becomes a matter of taste. */
  add(field: Field): void {
    if (field.name === CONTENT_LENGTH) {
      if (this.contentLength !== UNKNOWN_LENGTH) {
        throw new Refusal(
          400,
          "Cannot read body: found more than one content-length",
        );
      }
      this.contentLength = parseLength(field);
    } else {
      if (this.chunked || !isChunked(field.value)) {
        // RFC 9112 6.1 suggests 501; but what cannot be framed is the client's fault, as it is to hyper (Linkerd).
        throw new Refusal(
          400,
          "Cannot read body: found a transfer-encoding other than chunked, once",
        );
      }
      this.chunked = true;
    }
    if (this.chunked && this.contentLength !== UNKNOWN_LENGTH) {
      throw new Refusal(
        400,
        "Cannot read body: found both content-length and transfer-encoding",
      );
    }
  }
}

function parseLength(field: Field): number {
  const { value } = field;
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    const digit = (value[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) length = NaN;
    length = length * 10 + digit;
  }
  if (value.length === 0 || Number.isNaN(length)) {
    throw new Refusal(
      400,
      `Cannot read content-length "${field.text}": expected digits`,
    );
  }
  if (value.length > MAX_LENGTH_DIGITS) {
    throw new Refusal(
      413,
      `Cannot read content-length: more than ${MAX_LENGTH_DIGITS} digits`,
    );
  }
  return length;
}

function isChunked(value: Uint8Array): boolean {
  return value.length === CHUNKED.length &&
    startsWith(value.map((octet) => TOKEN[octet] ?? 0), 0, CHUNKED);
}

const CHUNKED = new TextEncoder().encode("chunked");
