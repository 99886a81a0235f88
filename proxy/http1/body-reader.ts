import { type Field, type FieldCache } from "../http/field.ts";
import { HOST, NO_TRAILERS } from "../http/message.ts";
import { BARE_LF, parseFieldLine } from "./field-line.ts";
import {
  MAX_CHUNK_SIZE_DIGITS,
  MAX_EXTENSION_BYTES,
  MAX_FIELDS,
  MAX_TRAILER_BYTES,
} from "./limits.ts";
import { INCOMPLETE, LineReader } from "./line-reader.ts";
import { CR, HEX, LF, TEXT } from "./octets.ts";
import { Refusal } from "./refusal.ts";

/** What the body reader expects next. */
const State = {
  done: 0,
  /** `remaining` bytes of a body with a declared length. */
  length: 1,
  /** Everything until the connection ends. */
  close: 2,
  firstDigit: 3,
  moreDigits: 4,
  extension: 5,
  sizeLf: 6,
  chunk: 7,
  chunkCr: 8,
  chunkLf: 9,
  trailers: 10,
} as const;

const SEMICOLON = 0x3b;

/** Reads the body of one message after another (RFC 9112 6 and 7), resumable at every byte, without copying. */
export class BodyReader {
  /** Where the data found by the last `read` is in its chunk; none when equal. */
  dataStart = 0;
  dataEnd = 0;
  /** Trailers, once done. */
  trailers: readonly Field[] = NO_TRAILERS;
  /** Bytes still to come of a declared length, or of the present chunk. */
  remaining = 0;
  private state: number = State.done;
  private digits = 0;
  private extensionBytes = 0;
  private lines: LineReader | null = null;
  private trailerFields: Field[] = [];
  private readonly cache: FieldCache;

  constructor(cache: FieldCache) {
    this.cache = cache;
  }

  get done(): boolean {
    return this.state === State.done;
  }

  /** True when `remaining` is the whole rest of the body. */
  get hasLength(): boolean {
    return this.state === State.length;
  }

  /** True when the end of the connection is the end of the body. */
  get endsWithConnection(): boolean {
    return this.state === State.close;
  }

  startLength(length: number): void {
    this.trailers = NO_TRAILERS;
    this.remaining = length;
    this.state = length === 0 ? State.done : State.length;
  }

  startChunked(): void {
    this.trailers = NO_TRAILERS;
    this.trailerFields = [];
    this.extensionBytes = 0;
    this.state = State.firstDigit;
  }

  startUntilClose(): void {
    this.trailers = NO_TRAILERS;
    this.state = State.close;
  }

  /**
   * Reads on from `at` up to the end of one piece of data, of the body or of `bytes`; returns the offset reached. Call
   * until `done` or the end of `bytes`. Throws `Refusal`.
   */
  read(bytes: Uint8Array, from: number): number {
    this.dataStart = this.dataEnd = from;
    if (this.state === State.close) return this.dataEnd = bytes.length;
    if (this.state === State.length) {
      const at = this.takeData(bytes, from);
      if (this.remaining === 0) this.state = State.done;
      return at;
    }
    let at = from;
    while (at < bytes.length) {
      if (this.state === State.chunk) {
        at = this.takeData(bytes, at);
        if (this.remaining === 0) this.state = State.chunkCr;
        return at;
      }
      if (this.state === State.trailers) return this.readTrailers(bytes, at);
      this.step(bytes[at++] ?? 0);
    }
    return at;
  }

  private takeData(bytes: Uint8Array, from: number): number {
    const end = Math.min(bytes.length, from + this.remaining);
    this.remaining -= end - from;
    this.dataStart = from;
    return this.dataEnd = end;
  }

  /** One octet of a chunk-size line, or of the CRLF behind chunk data. */
  private step(octet: number): void {
    switch (this.state) {
      case State.firstDigit:
        this.remaining = 0;
        this.digits = 0;
        this.state = State.moreDigits;
        this.addDigit(octet);
        return;
      case State.moreDigits:
        if (octet === CR) this.state = State.sizeLf;
        else if (octet === SEMICOLON) this.state = State.extension;
        else this.addDigit(octet);
        return;
      case State.extension:
        if (octet === CR) this.state = State.sizeLf;
        else if (TEXT[octet] === 0) throw refuse("a control octet");
        else if (++this.extensionBytes > MAX_EXTENSION_BYTES) {
          throw new Refusal(
            413,
            `Cannot read body: chunk extensions longer than ${MAX_EXTENSION_BYTES} bytes`,
          );
        }
        return;
      case State.sizeLf:
        if (octet !== LF) throw refuse("CR without LF");
        this.state = this.remaining === 0 ? State.trailers : State.chunk;
        return;
      case State.chunkCr:
        if (octet !== CR) throw refuse("a chunk longer than its size");
        this.state = State.chunkLf;
        return;
      default:
        if (octet !== LF) throw refuse("CR without LF");
        this.state = State.firstDigit;
    }
  }

  private addDigit(octet: number): void {
    const digit = HEX[octet] ?? 255;
    if (digit > 15) throw refuse("no hexadecimal chunk size");
    if (++this.digits > MAX_CHUNK_SIZE_DIGITS) {
      throw new Refusal(
        413,
        `Cannot read body: chunk size of more than ${MAX_CHUNK_SIZE_DIGITS} digits`,
      );
    }
    this.remaining = this.remaining * 16 + digit;
  }

  private readTrailers(chunk: Uint8Array, from: number): number {
    const lines = this.lines ??= new LineReader(MAX_TRAILER_BYTES);
    let at = from;
    while (at < chunk.length) {
      at = lines.next(chunk, at);
      if (at === INCOMPLETE) return chunk.length;
      const { bytes, start, end } = lines;
      if (end - start > 2) {
        const field = parseFieldLine(bytes, start, end, this.cache);
        if (isTrailer(field)) this.trailerFields.push(field);
        if (this.trailerFields.length > MAX_FIELDS) {
          throw new Refusal(
            431,
            `Cannot read trailers: more than ${MAX_FIELDS}`,
          );
        }
      } else if (bytes[start] !== CR) {
        throw new Refusal(400, BARE_LF);
      } else {
        lines.reset();
        if (this.trailerFields.length > 0) this.trailers = this.trailerFields;
        this.state = State.done;
        return at;
      }
    }
    return at;
  }
}

/** Whether a field may come after the body: not one that frames, routes, authenticates or describes it (RFC 9110 6.5.1). */
export function isTrailer(field: Field): boolean {
  return field.name.flags === 0 && !NEVER_TRAILERS.has(field.name.text);
}

const NEVER_TRAILERS: ReadonlySet<string> = new Set([
  HOST.text,
  "cache-control",
  "content-encoding",
  "content-range",
  "content-type",
  "expect",
  "http2-settings",
  "max-forwards",
  "range",
  "te",
  "trailer",
]);

function refuse(found: string): Refusal {
  return new Refusal(400, `Cannot read body: found ${found}`);
}
