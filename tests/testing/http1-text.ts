/** An HTTP/1 message taken apart: by the letter of RFC 9112, and by no code of the proxy. */
export interface Message {
  /** The start line. */
  readonly start: string;
  /** Names in lower case, values without surrounding white space, in order. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly framing: "none" | "length" | "chunked" | "close";
  readonly trailers: readonly (readonly [string, string])[];
  /** Characters that the message took up. */
  readonly size: number;
}

/** What a message is: the response to a request of this method ends with its head, maybe. */
export type Kind =
  | { readonly kind: "request" }
  | {
    readonly kind: "response";
    readonly method: string;
    /** No more will come. */
    readonly ended: boolean;
  };

/** The message that a text begins with; null while it is not complete. Throws when it cannot be one. */
export function parseMessage(text: string, kind: Kind): Message | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [start = "", ...lines] = text.slice(0, end).split("\r\n");
  const fields = lines.map(parseField);
  const rest = text.slice(end + 4);
  const head = { start, fields };
  const none = { ...head, body: "", trailers: [] } as const;
  const status = kind.kind === "response" ? Number(start.split(" ")[1]) : 0;
  if (
    kind.kind === "response" &&
    (kind.method === "HEAD" || status < 200 || status === 204 || status === 304)
  ) return { ...none, framing: "none", size: end + 4 };

  const coding = valuesOf(fields, "transfer-encoding");
  const length = valuesOf(fields, "content-length");
  if (coding.length > 0) {
    if (coding.join() !== "chunked" || length.length > 0) throw bad(text);
    const body = parseChunks(rest);
    return body &&
      { ...head, ...body, framing: "chunked", size: end + 4 + body.size };
  }
  if (length.length > 0) {
    const octets = Number(length[0]);
    if (length.length > 1 || !/^\d+$/.test(length[0] ?? "")) throw bad(text);
    if (rest.length < octets) return null;
    const body = rest.slice(0, octets);
    return { ...none, body, framing: "length", size: end + 4 + octets };
  }
  if (kind.kind === "request") {
    return { ...none, framing: "none", size: end + 4 };
  }
  if (!kind.ended) return null;
  return { ...none, body: rest, framing: "close", size: text.length };
}

/** The values of a field. */
export function valuesOf(
  fields: readonly (readonly [string, string])[],
  name: string,
): string[] {
  return fields.filter(([found]) => found === name).map(([, value]) => value);
}

function parseChunks(
  text: string,
): Pick<Message, "body" | "trailers" | "size"> | null {
  let body = "";
  for (let at = 0;;) {
    const end = text.indexOf("\r\n", at);
    if (end < 0) return null;
    const size = parseInt(text.slice(at, end), 16);
    if (Number.isNaN(size)) throw bad(text.slice(at));
    at = end + 2;
    if (size === 0) {
      const last = text.indexOf("\r\n\r\n", at - 2);
      if (last < 0) return null;
      const lines = text.slice(at, last).split("\r\n");
      const trailers = lines.filter((line) => line !== "").map(parseField);
      return { body, trailers, size: last + 4 };
    }
    if (text.length < at + size + 2) return null;
    body += text.slice(at, at + size);
    at += size + 2;
  }
}

function parseField(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  if (colon < 1) throw bad(line);
  const name = line.slice(0, colon).toLowerCase();
  return [name, line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")];
}

function bad(text: string): Error {
  return new Error(`not HTTP/1: ${JSON.stringify(text.slice(0, 200))}`);
}
