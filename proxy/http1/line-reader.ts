import { Output } from "../channel.ts";
import { LF } from "./octets.ts";
import { Refusal } from "./refusal.ts";

/** What `LineReader.next` answers when the chunk ends within a line. */
export const INCOMPLETE = -1;

/**
 * Finds lines in a stream of chunks. A line that lies whole in a chunk is not copied; a line in pieces is gathered, and
 * only its new bytes are searched, so that one byte at a time costs no more than all at once.
 */
export class LineReader {
  /** Where the line is after `next`: from `start` to `end`, its LF included; valid until the next call. */
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** Bytes of all lines since `reset`, unfinished ones included. */
  total = 0;
  private readonly maxBytes: number;
  private readonly partial = new Output();
  private finished = false;

  /** `maxBytes` is the limit of `total`; beyond it `next` throws a `Refusal` with status 431. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** The offset in `chunk` behind the next line, or `INCOMPLETE` when all of the chunk was taken in. */
  next(chunk: Uint8Array, at: number): number {
    if (this.finished) this.forgetPartial();
    const lf = chunk.indexOf(LF, at);
    const end = lf < 0 ? chunk.length : lf + 1;
    this.total += end - at;
    if (this.total > this.maxBytes) {
      throw new Refusal(
        431,
        `Cannot read head: longer than ${this.maxBytes} bytes`,
      );
    }
    if (lf >= 0 && this.partial.length === 0) {
      this.bytes = chunk;
      this.start = at;
      this.end = end;
      return end;
    }
    this.partial.append(chunk.subarray(at, end));
    if (lf < 0) return INCOMPLETE;
    this.bytes = this.partial.bytes;
    this.start = 0;
    this.end = this.partial.length;
    this.finished = true;
    return end;
  }

  /** Starts counting anew and gives memory back. */
  reset(): void {
    this.total = 0;
    this.bytes = NOTHING;
    if (this.partial.length > 0) this.forgetPartial();
  }

  private forgetPartial(): void {
    this.partial.clear();
    this.finished = false;
  }
}

const NOTHING = new Uint8Array(0);
