import { type Field, type FieldCache, NameFlag } from "../http/field.ts";
import { Hop, isHopByHop, splitHop } from "../http/hop-by-hop.ts";
import { ResponseHead, UNKNOWN_LENGTH, type Version } from "../http/message.ts";
import { BARE_LF, parseFieldLine } from "./field-line.ts";
import { CONTENT_LENGTH, Framing, TRANSFER_ENCODING } from "./framing.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "./limits.ts";
import { INCOMPLETE, LineReader } from "./line-reader.ts";
import { consistsOf, CR, SP, startsWith, TEXT } from "./octets.ts";
import { Refusal } from "./refusal.ts";

/** How a response's body ends (RFC 9112 6.3). */
export type BodyEnd = "none" | "length" | "chunked" | "close" | "tunnel";

/** Reads response heads from one connection, one at a time, resumable at every byte. */
export class ResponseParser {
  /** The head, after `parse` has completed one: without hop-by-hop fields. */
  head: ResponseHead | null = null;
  bodyEnd: BodyEnd = "none";
  /** Whether the connection can carry another request after this response. */
  keepAlive = false;
  /** The method being answered: HEAD and CONNECT change what a response means. Set before `parse`. */
  method = "";
  private readonly cache: FieldCache;
  private readonly lines = new LineReader(MAX_HEAD_BYTES);
  private readonly framing = new Framing();
  private version: Version | null = null;
  private status = 0;
  private fields: Field[] = [];
  private hasHopByHop = false;

  constructor(cache: FieldCache) {
    this.cache = cache;
  }

  /** The offset behind the head, or `INCOMPLETE` when the chunk ends within it; throws `Refusal`. */
  parse(chunk: Uint8Array, from: number): number {
    const { lines } = this;
    let at = from;
    while (at < chunk.length) {
      at = lines.next(chunk, at);
      if (at === INCOMPLETE) return INCOMPLETE;
      const { bytes, start, end } = lines;
      if (this.version === null) this.readStatusLine(bytes, start, end);
      else if (end - start > 2) {
        this.readField(parseFieldLine(bytes, start, end, this.cache));
      } else if (bytes[start] !== CR) throw new Refusal(400, BARE_LF);
      else {
        this.finish(this.version);
        return at;
      }
    }
    return INCOMPLETE;
  }

  private readStatusLine(bytes: Uint8Array, start: number, end: number): void {
    const stop = end - 2;
    if (bytes[stop] !== CR) throw new Refusal(400, BARE_LF);
    const digits = start + HTTP_1.length + 2;
    const minor = bytes[digits - 2];
    const status = number(bytes[digits]) * 100 +
      number(bytes[digits + 1]) * 10 + number(bytes[digits + 2]);
    if (
      stop < digits + 3 || !startsWith(bytes, start, HTTP_1) ||
      (minor !== ZERO && minor !== ZERO + 1) || bytes[digits - 1] !== SP ||
      !(status >= 100) || (stop > digits + 3 && bytes[digits + 3] !== SP) ||
      !consistsOf(TEXT, bytes, digits + 3, stop)
    ) {
      throw new Refusal(
        400,
        "Cannot read status line: expected HTTP/1.1, status and reason",
      );
    }
    this.version = minor === ZERO ? "1.0" : "1.1";
    this.status = status;
  }

  private readField(field: Field): void {
    if ((field.name.flags & NameFlag.framing) !== 0) this.framing.add(field);
    else if (isHopByHop(field)) this.hasHopByHop = true;
    if (field.name !== TRANSFER_ENCODING) this.fields.push(field);
    if (this.fields.length > MAX_FIELDS) {
      throw new Refusal(
        431,
        `Cannot read response: more than ${MAX_FIELDS} fields`,
      );
    }
  }

  private finish(version: Version): void {
    const { status, framing } = this;
    if (framing.chunked && version !== "1.1") {
      throw new Refusal(
        400,
        "Cannot read response: found transfer-encoding in HTTP/1.0",
      );
    }
    const head = new ResponseHead(version, status, this.fields);
    head.contentLength = framing.contentLength;
    this.keepAlive = version === "1.1";
    if (this.hasHopByHop) {
      const hop = splitHop(head.fields, status === 101);
      this.keepAlive = (hop & Hop.close) === 0 &&
        (this.keepAlive || (hop & Hop.keepAlive) !== 0);
    }
    this.bodyEnd = this.decideBodyEnd(head);
    if (this.bodyEnd === "close") this.keepAlive = false;
    this.head = head;
    this.reset();
  }

  private decideBodyEnd(head: ResponseHead): BodyEnd {
    const { status } = head;
    const tunnel = status === 101 ||
      (this.method === "CONNECT" && status >= 200 && status < 300);
    if (tunnel || status < 200 || status === 204) {
      // RFC 9110 8.6: no length belongs here, and a reader that believed it would wait.
      if (head.contentLength !== UNKNOWN_LENGTH) dropLength(head);
      return tunnel ? "tunnel" : "none";
    }
    if (this.method === "HEAD" || status === 304) return "none";
    if (this.framing.chunked) return "chunked";
    if (head.contentLength === UNKNOWN_LENGTH) return "close";
    return head.contentLength === 0 ? "none" : "length";
  }

  private reset(): void {
    this.lines.reset();
    this.framing.reset();
    this.version = null;
    this.fields = [];
    this.hasHopByHop = false;
  }
}

function dropLength(head: ResponseHead): void {
  head.contentLength = UNKNOWN_LENGTH;
  head.fields = head.fields.filter((field) => field.name !== CONTENT_LENGTH);
}

/** The value of a decimal digit, otherwise NaN. */
function number(octet: number | undefined): number {
  const digit = (octet ?? 0) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : NaN;
}

const HTTP_1 = new TextEncoder().encode("HTTP/1.");
const ZERO = 0x30;
