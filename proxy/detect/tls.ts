/** What the first bytes of a connection say about TLS; `sni` is null when the ClientHello names no server. */
export type TlsGuess =
  | { readonly kind: "more" }
  | { readonly kind: "none" }
  | { readonly kind: "hello"; readonly sni: string | null };

const MORE: TlsGuess = { kind: "more" };
const NONE: TlsGuess = { kind: "none" };
/** A hello without a decision by then is not one (facts 2.3); real ones with post-quantum keys are about 2 kB. */
const MAX_HELLO_BYTES = 8_192;
const RECORD_HEADER_BYTES = 5;

/** Reads the server name of a TLS ClientHello (RFC 8446 4.1.2, RFC 6066 3). */
export function guessTls(bytes: Uint8Array): TlsGuess {
  const expected = [[22], [3], [1, 3]];
  for (let at = 0; at < Math.min(bytes.length, expected.length); at++) {
    if (!expected[at]?.includes(bytes[at] ?? -1)) return NONE;
  }
  if (bytes.length < RECORD_HEADER_BYTES) return MORE;
  const recordEnd = RECORD_HEADER_BYTES +
    (((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0));
  if (bytes.length > RECORD_HEADER_BYTES && bytes[RECORD_HEADER_BYTES] !== 1) {
    return NONE;
  }
  if (recordEnd > MAX_HELLO_BYTES) return NONE;
  if (bytes.length < recordEnd) return MORE;
  const hello = new Cursor(bytes.subarray(RECORD_HEADER_BYTES, recordEnd));
  try {
    return { kind: "hello", sni: serverName(hello) };
  } catch (error) {
    if (error instanceof RangeError) return NONE;
    throw error;
  }
}

function serverName(hello: Cursor): string | null {
  hello.skip(4 + 2 + 32); // handshake type and length, version, random
  hello.skip(hello.number(1)); // session id
  hello.skip(hello.number(2)); // cipher suites
  hello.skip(hello.number(1)); // compression methods
  const extensions = hello.part(hello.number(2));
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const body = extensions.part(extensions.number(2));
    if (type !== 0) continue;
    const list = body.part(body.number(2));
    while (list.left > 0) {
      const nameType = list.number(1);
      const name = list.part(list.number(2));
      if (nameType === 0) return name.text().toLowerCase();
    }
  }
  return null;
}

/** Reads forward; throws RangeError past the end. */
class Cursor {
  private at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  skip(count: number): void {
    if (count > this.left) throw new RangeError("past the end");
    this.at += count;
  }

  /** A big-endian number of one or two bytes. */
  number(size: 1 | 2): number {
    this.skip(size);
    const low = this.bytes[this.at - 1] ?? 0;
    return size === 1 ? low : ((this.bytes[this.at - 2] ?? 0) << 8) | low;
  }

  part(length: number): Cursor {
    this.skip(length);
    return new Cursor(this.bytes.subarray(this.at - length, this.at));
  }

  text(): string {
    return String.fromCharCode(...this.bytes);
  }
}
