import { ErrorCode } from "../http/message.ts";
import { ConnectionFault } from "./fault.ts";
import { Flag, FrameType, readUint32 } from "./frames.ts";
import { MAX_CONTINUATIONS, MAX_HEADER_BLOCK_BYTES } from "./limits.ts";

const NOTHING = new Uint8Array(0);
const PRIORITY_OCTETS = 5;

/** Joins a HEADERS frame with its CONTINUATIONs; a block in one frame, as nearly all are, is not copied. */
export class HeaderCollector {
  /** The block, when `start` or `continue` has returned true, until `release`. */
  bytes: Uint8Array = NOTHING;
  from = 0;
  to = 0;
  endStream = false;
  /** The stream whose block is incomplete, 0 when none is. */
  private openStream = 0;
  private parts: Uint8Array[] = [];
  private collected = 0;

  /** @throws ConnectionFault when another frame comes between those of a block (RFC 9113 6.10). */
  checkOrder(type: number, streamId: number): void {
    const continues = type === FrameType.continuation;
    if (
      continues
        ? streamId === this.openStream && streamId > 0
        : this.openStream === 0
    ) return;
    throw new ConnectionFault(
      ErrorCode.protocolError,
      this.openStream === 0
        ? "Cannot read CONTINUATION: found no header block to continue"
        : `Cannot read a frame of type ${type} on stream ${streamId}: expected CONTINUATION on stream ${this.openStream}`,
    );
  }

  /** Takes the payload of HEADERS; true when the block is complete. */
  start(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    this.endStream = (flags & Flag.endStream) !== 0;
    this.trim(flags, streamId, bytes, start, end);
    if ((flags & Flag.endHeaders) !== 0) {
      this.bytes = bytes;
      return true;
    }
    this.openStream = streamId;
    this.collect(bytes, this.from, this.to);
    return false;
  }

  /** Takes the payload of CONTINUATION; true when the block is complete. */
  continue(
    flags: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    this.collect(bytes, start, end);
    if ((flags & Flag.endHeaders) === 0) return false;
    this.join();
    return true;
  }

  release(): void {
    this.bytes = NOTHING;
  }

  /** Finds the block fragment between padding and priority (RFC 9113 6.2). */
  private trim(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.from = start;
    this.to = end;
    if ((flags & Flag.padded) !== 0) {
      this.to -= bytes[this.from++] ?? 0;
    }
    if ((flags & Flag.priority) !== 0) {
      if ((readUint32(bytes, this.from) & 0x7fff_ffff) === streamId) {
        throw new ConnectionFault(
          ErrorCode.protocolError,
          `Cannot read HEADERS: stream ${streamId} depends on itself`,
        );
      }
      this.from += PRIORITY_OCTETS;
    }
    if (this.from > this.to) {
      throw new ConnectionFault(
        ErrorCode.protocolError,
        "Cannot read HEADERS: padding is longer than the frame",
      );
    }
  }

  private collect(bytes: Uint8Array, start: number, end: number): void {
    this.collected += end - start;
    this.parts.push(bytes.slice(start, end));
    if (this.collected > MAX_HEADER_BLOCK_BYTES) {
      throw new ConnectionFault(
        ErrorCode.enhanceYourCalm,
        `Cannot read a header block: found more than ${MAX_HEADER_BLOCK_BYTES} octets`,
        "headerBlock",
      );
    }
    if (this.parts.length > 1 + MAX_CONTINUATIONS) {
      throw new ConnectionFault(
        ErrorCode.enhanceYourCalm,
        `Cannot read a header block: found more than ${MAX_CONTINUATIONS} CONTINUATION frames`,
        "continuations",
      );
    }
  }

  private join(): void {
    this.bytes = new Uint8Array(this.collected);
    this.from = 0;
    this.to = this.collected;
    let at = 0;
    for (const part of this.parts) {
      this.bytes.set(part, at);
      at += part.length;
    }
    this.parts = [];
    this.collected = 0;
    this.openStream = 0;
  }
}
