import type { Channel, Output } from "../channel.ts";
import { partOf } from "../chunk.ts";
import {
  DEFAULT_FRAME_BYTES,
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
  PING_BYTES,
  PREFACE,
  writeFrameHeader,
  writeUint32,
} from "./frames.ts";
import { SETTING_BYTES } from "./settings.ts";

/** Longest text sent along with GOAWAY. */
const MAX_GOAWAY_TEXT_BYTES = 200;
/**
 * How many more passes of the event loop output may wait for frames of other streams. Each write costs both ends a TLS
 * record, system calls and a wake-up: waiting took 1 to 3 of 33 us off an HTTP/1 request through a pair of proxies with 32
 * in flight (docs/decisions/0074).
 */
const MAX_PASSES = 4;
/** Output that waits for no more: a full TLS record (RFC 8446 5.1). */
const FULL_BYTES = 16_384;
const encoder = new TextEncoder();

/**
 * Writes frames into a channel's output. Within one turn of the event loop, DATA of the stream that wrote last is added to
 * its last frame, and END_STREAM is set in it instead of costing a frame of its own. Output leaves at the end of the turn,
 * or a little later when other streams are open, which may have something to send by then.
 */
export class FrameWriter {
  /** True when nothing may be written any more. */
  closed = false;
  private readonly channel: Channel;
  private readonly out: Output;
  private readonly streams: { readonly size: number };
  /** The frame that may still be changed: its stream (0: none), type, place in `out`, and end. */
  private openStream = 0;
  private openType = 0;
  private openAt = 0;
  private openEnd = 0;
  private sealing = false;
  /** Passes of the event loop that the output may still wait, 0 when none of it waits; and how much there was at the last. */
  private passes = 0;
  private lastLength = 0;

  /** `streams`: those that are open. */
  constructor(channel: Channel, streams: { readonly size: number }) {
    this.channel = channel;
    this.out = channel.out;
    this.streams = streams;
  }

  preface(): void {
    if (this.closed) return;
    this.out.append(PREFACE);
  }

  /** `pairs`: setting and value in turn. */
  settings(pairs: readonly number[]): void {
    const at = this.start(
      FrameType.settings,
      Flag.none,
      0,
      pairs.length / 2 * SETTING_BYTES,
    );
    const { bytes } = this.out;
    for (let pair = 0; pair < pairs.length / 2; pair++) {
      const to = at + pair * SETTING_BYTES;
      bytes[to] = 0;
      bytes[to + 1] = pairs[2 * pair] ?? 0;
      writeUint32(bytes, to + 2, pairs[2 * pair + 1] ?? 0);
    }
  }

  settingsAck(): void {
    this.start(FrameType.settings, Flag.ack, 0, 0);
  }

  /** `payload` holds the eight octets from `from`. */
  ping(flags: number, payload: Uint8Array, from: number): void {
    const at = this.start(FrameType.ping, flags, 0, PING_BYTES);
    const { bytes } = this.out;
    for (let octet = 0; octet < PING_BYTES; octet++) {
      bytes[at + octet] = payload[from + octet] ?? 0;
    }
  }

  rstStream(streamId: number, code: number): void {
    const at = this.start(FrameType.rstStream, Flag.none, streamId, 4);
    writeUint32(this.out.bytes, at, code);
  }

  goaway(lastStreamId: number, code: number, text: string): void {
    const debug = encoder.encode(text).subarray(0, MAX_GOAWAY_TEXT_BYTES);
    const at = this.start(FrameType.goaway, Flag.none, 0, 8 + debug.length);
    writeUint32(this.out.bytes, at, lastStreamId);
    writeUint32(this.out.bytes, at + 4, code);
    this.out.bytes.set(debug, at + 8);
  }

  windowUpdate(streamId: number, increment: number): void {
    const at = this.start(FrameType.windowUpdate, Flag.none, streamId, 4);
    writeUint32(this.out.bytes, at, increment);
  }

  /** Begins HEADERS: the encoder writes the block into `out` next, then comes `endHeaders` with what this returned. */
  startHeaders(): number {
    const at = this.out.reserve(FRAME_HEADER_BYTES);
    this.out.length = at + FRAME_HEADER_BYTES;
    return at;
  }

  endHeaders(at: number, streamId: number, endStream: boolean): void {
    const { out } = this;
    if (this.closed) {
      out.length = at;
      return;
    }
    const length = out.length - at - FRAME_HEADER_BYTES;
    const flags = endStream ? Flag.endStream : Flag.none;
    if (length > DEFAULT_FRAME_BYTES) {
      this.split(at, streamId, flags);
      this.openStream = 0;
    } else {
      writeFrameHeader(
        out.bytes,
        at,
        length,
        FrameType.headers,
        flags | Flag.endHeaders,
        streamId,
      );
      this.remember(streamId, FrameType.headers, at);
    }
    this.flush();
  }

  /** Writes `chunk` from `from` to `to` as DATA; windows are the caller's concern. */
  data(streamId: number, chunk: Uint8Array, from: number, to: number): void {
    if (this.closed) return;
    let at = from + this.extend(streamId, chunk, from, to);
    while (at < to) {
      const length = Math.min(to - at, DEFAULT_FRAME_BYTES);
      const start = this.start(FrameType.data, Flag.none, streamId, length);
      this.out.bytes.set(partOf(chunk, at, at + length), start);
      this.remember(streamId, FrameType.data, start - FRAME_HEADER_BYTES);
      at += length;
    }
  }

  /** Ends the stream: in its last frame when that is still here, with an empty DATA frame otherwise. */
  endStream(streamId: number): void {
    if (this.isOpen(streamId)) {
      const { bytes } = this.out;
      bytes[this.openAt + 4] = (bytes[this.openAt + 4] ?? 0) | Flag.endStream;
      this.openStream = 0;
    } else this.start(FrameType.data, Flag.endStream, streamId, 0);
  }

  /** Writes a frame header with room for the payload behind it, and returns where that begins. */
  private start(
    type: number,
    flags: number,
    streamId: number,
    length: number,
  ): number {
    const at = this.out.reserve(FRAME_HEADER_BYTES + length);
    this.openStream = 0;
    // After the end, frames go nowhere: the space is written to and not counted.
    if (this.closed) return at + FRAME_HEADER_BYTES;
    writeFrameHeader(this.out.bytes, at, length, type, flags, streamId);
    this.out.length = at + FRAME_HEADER_BYTES + length;
    this.flush();
    return at + FRAME_HEADER_BYTES;
  }

  /** Adds to the last DATA frame what still fits; returns how much. */
  private extend(
    streamId: number,
    chunk: Uint8Array,
    from: number,
    to: number,
  ): number {
    if (this.openType !== FrameType.data || !this.isOpen(streamId)) return 0;
    const present = this.openEnd - this.openAt - FRAME_HEADER_BYTES;
    const count = Math.min(to - from, DEFAULT_FRAME_BYTES - present);
    if (count <= 0) return 0;
    this.out.append(partOf(chunk, from, from + count));
    const { bytes } = this.out;
    const length = present + count;
    bytes[this.openAt] = length >>> 16;
    bytes[this.openAt + 1] = length >>> 8;
    bytes[this.openAt + 2] = length;
    this.openEnd += count;
    this.flush();
    return count;
  }

  private remember(streamId: number, type: number, at: number): void {
    this.openStream = streamId;
    this.openType = type;
    this.openAt = at;
    this.openEnd = this.out.length;
    if (this.sealing) return;
    this.sealing = true;
    queueMicrotask(this.seal);
  }

  private isOpen(streamId: number): boolean {
    return this.openStream === streamId && this.out.length === this.openEnd;
  }

  /** What has been handed to a socket must not change any more, even if none of it was taken: TLS may retry it. */
  private readonly seal = (): void => {
    this.sealing = false;
    this.openStream = 0;
  };

  /** Cuts a block that is too long for one frame, from the back so that nothing is overwritten (RFC 9113 6.10). */
  private split(at: number, streamId: number, flags: number): void {
    const { out } = this;
    const length = out.length - at - FRAME_HEADER_BYTES;
    const frames = Math.ceil(length / DEFAULT_FRAME_BYTES);
    out.reserve((frames - 1) * FRAME_HEADER_BYTES);
    out.length += (frames - 1) * FRAME_HEADER_BYTES;
    for (let frame = frames - 1; frame >= 0; frame--) {
      const from = at + FRAME_HEADER_BYTES + frame * DEFAULT_FRAME_BYTES;
      const size = Math.min(
        DEFAULT_FRAME_BYTES,
        length - frame * DEFAULT_FRAME_BYTES,
      );
      const to = from + frame * FRAME_HEADER_BYTES;
      out.bytes.copyWithin(to, from, from + size);
      writeFrameHeader(
        out.bytes,
        to - FRAME_HEADER_BYTES,
        size,
        frame === 0 ? FrameType.headers : FrameType.continuation,
        (frame === 0 ? flags : 0) |
          (frame === frames - 1 ? Flag.endHeaders : 0),
        streamId,
      );
    }
  }

  private flush(): void {
    if (this.out.length >= FULL_BYTES) return this.channel.flush();
    if (this.passes > 0) return;
    const others = Math.max(0, this.streams.size - 1);
    this.passes = Math.min(others, MAX_PASSES);
    this.lastLength = 0;
    if (this.passes > 0) setImmediate(this.pass);
    else this.channel.flush();
  }

  /** Waits on as long as each pass brings more. */
  private readonly pass = (): void => {
    const { length } = this.out;
    if (length === this.lastLength) this.passes = 0;
    else this.passes--;
    this.lastLength = length;
    if (this.passes > 0) setImmediate(this.pass);
    else this.channel.flush();
  };
}
