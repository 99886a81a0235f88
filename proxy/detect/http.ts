/** What the first bytes of a connection are; `more` while they may still become HTTP. */
export type HttpGuess = "http1" | "http2" | "opaque" | "more" | "likely-http1";

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0");
/** A request line that is longer than this without an end is taken for HTTP when it begins like it. */
const MAX_LINE_BYTES = 8_192;
/** Longest method registered with IANA is UPDATEREDIRECTREF, 17 bytes; beyond this nothing is a method. */
const MAX_METHOD_BYTES = 24;
const METHODS = [
  "GET ",
  "HEAD ",
  "POST ",
  "PUT ",
  "DELETE ",
  "CONNECT ",
  "OPTIONS ",
  "TRACE ",
  "PATCH ",
];

/**
 * Tells HTTP/1 by a request line that ends in `HTTP/1.x` whatever stands before it, so that a malformed request is
 * refused by the parser rather than tunnelled to the application; HTTP/2 by its preface; all else is opaque.
 * `likely-http1` is `more` that begins with a well-known method.
 */
export function guessHttp(bytes: Uint8Array): HttpGuess {
  const preface = matchPreface(bytes);
  if (preface !== "no") return preface;
  const space = methodEnd(bytes);
  if (space === "none") return "opaque";
  const lineEnd = bytes.indexOf(0x0a);
  if (lineEnd >= 0) {
    return space !== "more" && endsInVersion(bytes, lineEnd)
      ? "http1"
      : "opaque";
  }
  const known = beginsWithMethod(bytes);
  if (bytes.length >= MAX_LINE_BYTES) return known ? "http1" : "opaque";
  return known ? "likely-http1" : "more";
}

function matchPreface(bytes: Uint8Array): "http2" | "more" | "no" {
  const length = Math.min(bytes.length, PREFACE.length);
  for (let at = 0; at < length; at++) {
    if (bytes[at] !== PREFACE[at]) return "no";
  }
  return length === PREFACE.length ? "http2" : "more";
}

/** Where the method's space is; `more` while the method may go on, `none` when there is no method. */
function methodEnd(bytes: Uint8Array): number | "more" | "none" {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x20) return at > 0 ? at : "none";
    if (at === MAX_METHOD_BYTES || !isTokenByte(byte)) return "none";
  }
  return "more";
}

/** RFC 9110 5.6.2. */
function isTokenByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    "!#$%&'*+-.^_`|~".includes(String.fromCharCode(byte));
}

/** Whether ` HTTP/1.` and one digit stand before the line's end. */
function endsInVersion(bytes: Uint8Array, lineEnd: number): boolean {
  const line = String.fromCharCode(
    ...bytes.subarray(Math.max(0, lineEnd - 16), lineEnd),
  );
  return /\sHTTP\/1\.\d\s*$/.test(line);
}

function beginsWithMethod(bytes: Uint8Array): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, 8));
  return METHODS.some((method) =>
    method.startsWith(start.slice(0, method.length)) && start.length > 0
  );
}
