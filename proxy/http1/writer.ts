import type { Channel, Output } from "../channel.ts";
import { type Field, Name, NameFlag } from "../http/field.ts";
import type { RequestHead, Version } from "../http/message.ts";
import { isTrailer } from "./body-reader.ts";
import { COLON, CR, LF, SP } from "./octets.ts";
import { REASONS } from "./reasons.ts";

/** `HTTP/1.x`, status and reason; the version is the client's, as far as HTTP/1 goes. */
export function writeStatusLine(
  out: Output,
  version: Version,
  status: number,
): void {
  const lines = version === "1.0" ? statusLines10 : statusLines11;
  out.append(lines[status] ??= formatStatusLine(version, status));
}

/** Method, target in the form it came in (RFC 9112 3.2), version. */
export function writeRequestLine(
  out: Output,
  head: RequestHead,
  version: "1.0" | "1.1",
): void {
  out.append(head.method.value);
  out.append(SPACE);
  if (head.absolute) writeAbsoluteForm(out, head);
  else out.append(targetOf(head).value);
  out.append(version === "1.0" ? VERSION_10 : VERSION_11);
}

/** Fields as lines, without those whose name has a flag of `skipped`. */
export function writeFields(
  out: Output,
  fields: readonly Field[],
  skipped: number,
): void {
  for (const field of fields) {
    if ((field.name.flags & skipped) === 0) writeField(out, field);
  }
}

/** One line. Only fields met before keep their line: a unique one would not be asked for it again. */
export function writeField(out: Output, field: Field): void {
  if (field.repeated) return out.append(field.line);
  const { name, value } = field;
  let at = out.reserve(name.bytes.length + value.length + 4);
  const { bytes } = out;
  bytes.set(name.bytes, at);
  at += name.bytes.length;
  bytes[at] = COLON;
  bytes[at + 1] = SP;
  bytes.set(value, at + 2);
  at += 2 + value.length;
  bytes[at] = CR;
  bytes[at + 1] = LF;
  out.length = at + 2;
}

/** All `cookie` fields in one line, as HTTP/1 wants it and HTTP/2 need not (RFC 9113 8.2.3); returns the others. */
export function writeCookies(
  out: Output,
  fields: readonly Field[],
): readonly Field[] {
  const cookies = fields.filter((field) => field.name === COOKIE);
  if (cookies.length < 2) return fields;
  out.append(COOKIE_START);
  for (const [index, cookie] of cookies.entries()) {
    if (index > 0) out.append(COOKIE_SEPARATOR);
    out.append(cookie.value);
  }
  out.append(CRLF);
  return fields.filter((field) => field.name !== COOKIE);
}

export function writeContentLength(out: Output, length: number): void {
  out.append(CONTENT_LENGTH_START);
  writeNumber(out, length, 10);
  out.append(CRLF);
}

/** One piece of a chunked body; false when its source should pause. */
export function sendChunk(channel: Channel, piece: Uint8Array): boolean {
  // A chunk of no bytes would be the last one.
  if (piece.length > 0) {
    const { out } = channel;
    writeNumber(out, piece.length, 16);
    out.append(CRLF);
    channel.write(piece);
    out.append(CRLF);
    channel.flush();
  }
  return !channel.congested;
}

/** The last chunk, trailers that may be trailers, and the end of the body. */
export function writeLastChunk(out: Output, trailers: readonly Field[]): void {
  if (trailers.length === 0) return out.append(LAST_CHUNK);
  out.append(ZERO_LINE);
  for (const field of trailers) {
    if (isTrailer(field)) writeField(out, field);
  }
  out.append(CRLF);
}

function writeAbsoluteForm(out: Output, head: RequestHead): void {
  if (head.scheme !== null) out.append(head.scheme.value);
  out.append(SCHEME_END);
  const authority = head.authority ?? head.host;
  if (authority !== null) out.append(authority.value);
  // The empty path of OPTIONS, which is `*` in asterisk-form (RFC 9112 3.2.4).
  if (head.path.text !== "*") out.append(head.path.value);
}

/** CONNECT over HTTP/2 has an authority and no path (RFC 9113 8.5). */
function targetOf(head: RequestHead): Field {
  return head.version === "2" && head.method.text === "CONNECT"
    ? head.authority ?? head.path
    : head.path;
}

function writeNumber(out: Output, number: number, radix: 10 | 16): void {
  let digits = 1;
  for (let rest = number; rest >= radix; rest = Math.floor(rest / radix)) {
    digits++;
  }
  const start = out.reserve(digits);
  let rest = number;
  for (let at = start + digits - 1; at >= start; at--) {
    const digit = rest % radix;
    out.bytes[at] = digit < 10 ? 0x30 + digit : 0x57 + digit;
    rest = Math.floor(rest / radix);
  }
  out.length = start + digits;
}

function formatStatusLine(version: Version, status: number): Uint8Array {
  const number = version === "1.0" ? "1.0" : "1.1";
  return ascii(`HTTP/${number} ${status} ${REASONS[status] ?? ""}\r\n`);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Field lines of our own. */
export const CHUNKED_LINE = ascii("transfer-encoding: chunked\r\n");
export const CLOSE_LINE = ascii("connection: close\r\n");
export const KEEP_ALIVE_LINE = ascii("connection: keep-alive\r\n");
export const EMPTY_HOST_LINE = ascii("host: \r\n");
export const CRLF = ascii("\r\n");

/** Flags of fields that the codec writes itself, or that have no place in HTTP/1. */
export const OWN_FIELDS = NameFlag.framing | NameFlag.hopByHop |
  NameFlag.pseudo;

const statusLines10: Uint8Array[] = [];
const statusLines11: Uint8Array[] = [];
const COOKIE = Name.of("cookie");
const SPACE = ascii(" ");
const VERSION_10 = ascii(" HTTP/1.0\r\n");
const VERSION_11 = ascii(" HTTP/1.1\r\n");
const SCHEME_END = ascii("://");
const CONTENT_LENGTH_START = ascii("content-length: ");
const LAST_CHUNK = ascii("0\r\n\r\n");
const ZERO_LINE = ascii("0\r\n");
const COOKIE_START = ascii("cookie: ");
const COOKIE_SEPARATOR = ascii("; ");
