import type { SocketAddress } from "../../schemas/address.ts";
import { type Channel, type ChannelReader, Output } from "../channel.ts";

/** How a pair of memory channels behaves. */
export interface MemoryOptions {
  /** Longest chunk handed to a reader; 1 splits at every byte. Default: no splitting. */
  readonly chunkBytes?: number;
  /** Unread bytes above which the writer is congested. Default 65,536. */
  readonly highWaterBytes?: number;
  /** Runs the transport of bytes later. Default: a microtask; `setImmediate` behaves as an event-loop turn. */
  readonly schedule?: (task: () => void) => void;
  /** Overwrites chunks after `data` has returned, so that a reader that kept one is caught. Default true. */
  readonly scribble?: boolean;
}

/** Two channels, each reading what the other writes, with the half-close and back-pressure of a socket pair. */
export function createMemoryChannels(
  options: MemoryOptions = {},
): readonly [MemoryChannel, MemoryChannel] {
  const left = new MemoryChannel(LEFT, RIGHT, options);
  const right = new MemoryChannel(RIGHT, LEFT, options);
  left.peer = right;
  right.peer = left;
  return [left, right];
}

/** One end of a pair; see `createMemoryChannels`. */
export class MemoryChannel implements Channel {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly out = new Output();
  closed = false;
  peer: MemoryChannel | null = null;
  private reader: ChannelReader | null = null;
  private readonly chunkBytes: number;
  private readonly highWaterBytes: number;
  private readonly schedule: (task: () => void) => void;
  private readonly scribble: boolean;
  private readonly inbox: Uint8Array[] = [];
  private inboxBytes = 0;
  private returned: Uint8Array = NOTHING;
  private paused = false;
  private owesDrain = false;
  private endSent = false;
  private endDelivered = false;
  private scheduled = false;
  private delivering = false;
  private closeError: Error | null = null;
  private closeDelivered = false;
  private readonly step = (): void => {
    this.scheduled = false;
    this.receive();
  };

  constructor(
    local: SocketAddress,
    remote: SocketAddress,
    options: MemoryOptions,
  ) {
    this.local = local;
    this.remote = remote;
    this.chunkBytes = options.chunkBytes ?? Infinity;
    this.highWaterBytes = options.highWaterBytes ?? 65_536;
    this.schedule = options.schedule ?? queueMicrotask;
    this.scribble = options.scribble ?? true;
  }

  /** Whoever has seen it true hears of `drain`, also if what made it so has not been flushed yet. */
  get congested(): boolean {
    const isCongested = this.queuedBytes > this.highWaterBytes;
    if (isCongested) this.owesDrain = true;
    return isCongested;
  }

  /** Bytes written here that the other end's reader has not been given yet. */
  get queuedBytes(): number {
    return this.out.length + (this.peer?.inboxBytes ?? 0);
  }

  attach(reader: ChannelReader): void {
    this.reader = reader;
    const returned = this.returned;
    this.returned = NOTHING;
    if (returned.length > 0) this.hand(returned);
    if (this.endDelivered) this.reader.end();
    this.closeDelivered = false;
    this.wake();
  }

  unread(chunk: Uint8Array): void {
    this.reader = null;
    const joined = new Uint8Array(chunk.length + this.returned.length);
    joined.set(chunk);
    joined.set(this.returned, chunk.length);
    this.returned = joined;
  }

  flush(): void {
    if (this.closed) return;
    this.peer?.wake();
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed || this.endSent) return false;
    this.out.append(chunk);
    this.flush();
    return !this.congested;
  }

  end(): void {
    this.endSent = true;
    this.peer?.wake();
  }

  destroy(): void {
    if (this.closed) return;
    this.finish(null);
    this.peer?.finish(new Error("connection reset by peer"));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.wake();
  }

  private wake(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(this.step);
  }

  /** Takes what the other end has written and gives it to the reader, as far as it wants it. */
  private receive(): void {
    if (this.closed) return this.deliverClose();
    const { peer } = this;
    if (peer === null || this.delivering) return;
    this.delivering = true;
    if (peer.out.length > 0) {
      this.inbox.push(peer.out.bytes.slice(0, peer.out.length));
      this.inboxBytes += peer.out.length;
      peer.out.clear();
    }
    while (this.readable && this.inbox.length > 0) this.receiveChunk();
    this.delivering = false;
    if (this.inbox.length > 0 || this.closed) return;
    if (this.readable && peer.endSent && !this.endDelivered) {
      if (peer.out.length > 0) return this.wake();
      this.endDelivered = true;
      this.reader?.end();
    }
    if (peer.owesDrain && !peer.congested) {
      peer.owesDrain = false;
      peer.reader?.drain();
    }
    if (this.endDelivered && peer.endDelivered) {
      this.finish(null);
      peer.finish(null);
    }
  }

  private get readable(): boolean {
    return !this.paused && !this.closed && this.reader !== null;
  }

  private receiveChunk(): void {
    const first = this.inbox[0] ?? NOTHING;
    const whole = first.length <= this.chunkBytes;
    const chunk = whole ? first : first.subarray(0, this.chunkBytes);
    if (whole) this.inbox.shift();
    else this.inbox[0] = first.subarray(this.chunkBytes);
    this.inboxBytes -= chunk.length;
    this.hand(chunk);
  }

  private hand(chunk: Uint8Array): void {
    this.reader?.data(chunk);
    if (this.scribble) chunk.fill(0xee);
  }

  private finish(error: Error | null): void {
    if (this.closed) return;
    this.closed = true;
    this.closeError = error;
    this.out.clear();
    this.inbox.length = 0;
    this.inboxBytes = 0;
    this.wake();
  }

  private deliverClose(): void {
    if (this.closeDelivered || this.reader === null) return;
    this.closeDelivered = true;
    this.reader.close(this.closeError);
  }
}

const NOTHING = new Uint8Array(0);
/** Addresses of the two ends (RFC 5737 documentation ranges: they reach nothing). */
const LEFT: SocketAddress = { ip: "192.0.2.1", port: 40_000 };
const RIGHT: SocketAddress = { ip: "198.51.100.1", port: 80 };
