/** A request to the admin port, as its pages see it. */
export interface AdminRequest {
  readonly method: string;
  /** Octet for octet what policy has judged. */
  readonly path: string;
  /** Without its `?`. */
  readonly query: string;
  /** The value of a field, by its name in lower case. */
  readonly field: (name: string) => string | null;
  readonly body: string;
  /** Address of the client. */
  readonly ip: string;
}

/** What a page answers. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | ReadableStream<Uint8Array>;
}

/** An answer of one line. */
export function text(
  status: number,
  line: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { "content-type": "text/plain", ...headers },
    body: `${line}\n`,
  };
}
