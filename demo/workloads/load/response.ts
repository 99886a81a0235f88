/** Where a response ends and what it says. */
export interface Response {
  readonly status: number;
  /** Bytes of head and body, framing included. */
  readonly length: number;
  /** Whether another request may follow on the connection. */
  readonly keepAlive: boolean;
}

/** A response that never becomes complete: its end is the end of the connection. */
export const UNTIL_CLOSE = Number.POSITIVE_INFINITY;

/** Far more than any head of ours; more means that it will never end. */
const MAX_HEAD_BYTES = 65_536;

/**
 * The response at the start of `bytes`, interim (1xx) ones skipped; null when more bytes are needed to know. A response
 * whose length only the close of the connection tells has length UNTIL_CLOSE. Throws on what is not HTTP/1.
 */
export function parseResponse(bytes: Buffer, method: string): Response | null {
  let at = 0;
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end < 0) {
      if (bytes.length - at > MAX_HEAD_BYTES) throw new Error("endless head");
      return null;
    }
    const head = bytes.toString("latin1", at, end);
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |\r|$)/.exec(head)?.[1]);
    if (Number.isNaN(status)) throw new Error("not an HTTP/1 response");
    at = end + 4;
    if (status >= 200) return parseFinal(bytes, { at, head, status, method });
  }
}

interface Head {
  readonly at: number;
  readonly head: string;
  readonly status: number;
  readonly method: string;
}

function parseFinal(bytes: Buffer, final: Head): Response | null {
  const { at, head, status, method } = final;
  const keepAlive = head.startsWith("HTTP/1.1") &&
    !/\bclose\b/i.test(field(head, "connection") ?? "");
  if (method === "HEAD" || status === 204 || status === 304) {
    return { status, length: at, keepAlive };
  }
  if (/\bchunked\s*$/i.test(field(head, "transfer-encoding") ?? "")) {
    const length = skipChunks(bytes, at);
    return length === null ? null : { status, length, keepAlive };
  }
  const contentLength = field(head, "content-length");
  if (contentLength === undefined) {
    return { status, length: UNTIL_CLOSE, keepAlive: false };
  }
  const length = at + Number(contentLength);
  return bytes.length < length ? null : { status, length, keepAlive };
}

function field(head: string, name: string): string | undefined {
  return new RegExp(`\r\n${name}:[ \t]*(.*?)[ \t]*(?:\r\n|$)`, "i").exec(head)
    ?.[1];
}

/** Where a chunked body that starts at `at` ends, trailers included; null when it is not complete. */
function skipChunks(bytes: Buffer, at: number): number | null {
  for (;;) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    if (Number.isNaN(size)) throw new Error("not a chunk");
    at = line + 2;
    if (size > 0) {
      at += size + 2;
      continue;
    }
    // Trailer lines up to the empty one.
    for (;;) {
      const end = bytes.indexOf("\r\n", at);
      if (end < 0) return null;
      const empty = end === at;
      at = end + 2;
      if (empty) return at;
    }
  }
}
