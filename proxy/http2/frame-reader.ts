import { partOf } from "../chunk.ts";
import { ErrorCode } from "../http/message.ts";
import { ConnectionFault } from "./fault.ts";
import {
  DEFAULT_FRAME_BYTES,
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
  PREFACE,
} from "./frames.ts";
import { checkFrame } from "./frame-rules.ts";
import { HeaderCollector } from "./header-collector.ts";

/** What a frame reader calls; sizes, stream ids and paddings have been checked. Any of these may throw a fault. */
export interface FrameHandler {
  /** True once nothing more may be read. */
  readonly closed: boolean;
  /** A DATA frame begins; `size` counts against the windows, padding included. */
  dataStart(streamId: number, size: number, endStream: boolean): void;
  /** Some of its body; never empty. */
  dataChunk(chunk: Uint8Array): void;
  /** The DATA frame is complete; `padding` octets of its `size` were none of the body. */
  dataEnd(padding: number, size: number): void;
  /** A whole header block, continuations included. */
  headers(
    streamId: number,
    endStream: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void;
  /** Any other frame: its payload from `start` to `end`. */
  frame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void;
}

/**
 * Cuts a byte stream into frames. A frame that lies within one chunk is handed on where it lies; DATA is handed on as it
 * arrives; other frames that are cut are collected.
 */
export class FrameReader {
  private readonly handler: FrameHandler;
  private readonly collector = new HeaderCollector();
  /** Octets of the client's preface still to come. */
  private preface: number;
  private readonly header = new Uint8Array(FRAME_HEADER_BYTES);
  private headerLength = 0;
  /** True between a frame's header and its end. */
  private inFrame = false;
  private type = 0;
  private flags = 0;
  private streamId = 0;
  private length = 0;
  /** The payload so far of a frame that was cut. */
  private partial: Uint8Array | null = null;
  private partialLength = 0;
  /** Of a DATA frame: octets of body and padding to come, whether the padding's length is known, how much it is. */
  private body = 0;
  private skip = 0;
  private padUnknown = false;
  private padding = 0;

  /** A server expects the preface first. */
  constructor(handler: FrameHandler, expectPreface: boolean) {
    this.handler = handler;
    this.preface = expectPreface ? PREFACE.length : 0;
  }

  /** @throws ConnectionFault when the peer breaks a rule of framing. */
  read(chunk: Uint8Array): void {
    let at = this.preface > 0 ? this.readPreface(chunk) : 0;
    while (!this.handler.closed) {
      if (!this.inFrame) {
        at = this.readHeader(chunk, at);
        if (!this.inFrame) return;
      }
      at = this.type === FrameType.data
        ? this.readData(chunk, at)
        : this.readPayload(chunk, at);
      if (this.inFrame) return;
    }
  }

  private readPreface(chunk: Uint8Array): number {
    const from = PREFACE.length - this.preface;
    const count = Math.min(this.preface, chunk.length);
    for (let at = 0; at < count; at++) {
      if (chunk[at] !== PREFACE[from + at]) {
        throw new ConnectionFault(
          ErrorCode.protocolError,
          "Cannot start HTTP/2: found other bytes, expected the client preface",
        );
      }
    }
    this.preface -= count;
    return count;
  }

  private readHeader(chunk: Uint8Array, at: number): number {
    if (this.headerLength === 0 && chunk.length - at >= FRAME_HEADER_BYTES) {
      this.startFrame(chunk, at);
      return at + FRAME_HEADER_BYTES;
    }
    const { header } = this;
    let next = at;
    while (this.headerLength < FRAME_HEADER_BYTES && next < chunk.length) {
      header[this.headerLength++] = chunk[next++] ?? 0;
    }
    if (this.headerLength === FRAME_HEADER_BYTES) {
      this.headerLength = 0;
      this.startFrame(header, 0);
    }
    return next;
  }

  private startFrame(bytes: Uint8Array, at: number): void {
    this.length = (bytes[at] ?? 0) << 16 | (bytes[at + 1] ?? 0) << 8 |
      (bytes[at + 2] ?? 0);
    this.type = bytes[at + 3] ?? 0;
    this.flags = bytes[at + 4] ?? 0;
    this.streamId = ((bytes[at + 5] ?? 0) & 0x7f) << 24 |
      (bytes[at + 6] ?? 0) << 16 | (bytes[at + 7] ?? 0) << 8 |
      (bytes[at + 8] ?? 0);
    if (this.length > DEFAULT_FRAME_BYTES) {
      throw new ConnectionFault(
        ErrorCode.frameSizeError,
        `Cannot read a frame: found ${this.length} octets, expected at most ${DEFAULT_FRAME_BYTES}`,
      );
    }
    this.collector.checkOrder(this.type, this.streamId);
    checkFrame(this.type, this.flags, this.streamId, this.length);
    this.inFrame = true;
    if (this.type === FrameType.data) this.startData();
  }

  private startData(): void {
    this.padUnknown = (this.flags & Flag.padded) !== 0;
    this.body = this.length;
    this.skip = 0;
    this.padding = 0;
    this.handler.dataStart(
      this.streamId,
      this.length,
      (this.flags & Flag.endStream) !== 0,
    );
  }

  private readData(chunk: Uint8Array, from: number): number {
    let at = from;
    if (this.padUnknown) {
      if (at === chunk.length) return at;
      this.readPadLength(chunk[at++] ?? 0);
    }
    const count = Math.min(this.body, chunk.length - at);
    if (count > 0) {
      this.handler.dataChunk(partOf(chunk, at, at + count));
      at += count;
      this.body -= count;
    }
    if (this.body > 0) return at;
    const skipped = Math.min(this.skip, chunk.length - at);
    at += skipped;
    this.skip -= skipped;
    if (this.skip > 0) return at;
    this.inFrame = false;
    if (!this.handler.closed) this.handler.dataEnd(this.padding, this.length);
    return at;
  }

  private readPadLength(length: number): void {
    if (length >= this.length) {
      throw new ConnectionFault(
        ErrorCode.protocolError,
        `Cannot read DATA: found ${length} octets of padding in a frame of ${this.length}`,
      );
    }
    this.padUnknown = false;
    this.padding = 1 + length;
    this.skip = length;
    this.body = this.length - 1 - length;
  }

  private readPayload(chunk: Uint8Array, at: number): number {
    const available = chunk.length - at;
    if (this.partial === null && available >= this.length) {
      this.inFrame = false;
      this.dispatch(chunk, at, at + this.length);
      return at + this.length;
    }
    const partial = this.partial ??= new Uint8Array(this.length);
    const count = Math.min(available, this.length - this.partialLength);
    partial.set(chunk.subarray(at, at + count), this.partialLength);
    this.partialLength += count;
    if (this.partialLength === this.length) {
      this.partial = null;
      this.partialLength = 0;
      this.inFrame = false;
      this.dispatch(partial, 0, partial.length);
    }
    return at + count;
  }

  private dispatch(bytes: Uint8Array, start: number, end: number): void {
    const { type, flags, streamId, handler, collector } = this;
    if (type === FrameType.headers) {
      if (!collector.start(flags, streamId, bytes, start, end)) return;
    } else if (type === FrameType.continuation) {
      if (!collector.continue(flags, bytes, start, end)) return;
    } else {
      handler.frame(type, flags, streamId, bytes, start, end);
      return;
    }
    handler.headers(
      streamId,
      collector.endStream,
      collector.bytes,
      collector.from,
      collector.to,
    );
    collector.release();
  }
}
