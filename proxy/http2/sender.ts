import type { Channel } from "../channel.ts";
import type { Field } from "../http/field.ts";
import { ErrorCode } from "../http/message.ts";
import type { Budgets } from "./budgets.ts";
import { ConnectionFault } from "./fault.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { DEFAULT_FRAME_BYTES, DEFAULT_WINDOW_BYTES } from "./frames.ts";
import { writeTrailers } from "./heads.ts";
import type { HeaderEncoder } from "./hpack-encode.ts";
import { MAX_QUEUED_BYTES, TINY_FRAME_BYTES } from "./limits.ts";
import { SendQueue } from "./send-queue.ts";
import type { Stream } from "./stream.ts";
import type { Violation } from "./violation.ts";

/** Output of one turn of the event loop after which sources pause: what a socket's channel, too, takes for much. */
const MAX_TURN_BYTES = 262_144;

/** What a sender needs of its connection. */
interface SenderOwner {
  readonly channel: Channel;
  readonly writer: FrameWriter;
  readonly encoder: HeaderEncoder;
  readonly budgets: Budgets;
  fail(fault: ConnectionFault): void;
  violated(violation: Violation): void;
}

/**
 * Sends the bodies of one connection's streams within their windows. What a window does not admit is queued on its stream;
 * streams that wait for the connection (its window, or its channel) take turns, a frame each.
 */
export class Sender {
  /** What the peer still takes on all streams together. */
  window = DEFAULT_WINDOW_BYTES;
  private readonly owner: SenderOwner;
  private readonly channel: Channel;
  private readonly writer: FrameWriter;
  private readonly budgets: Budgets;
  /** Streams with a queue and a window of their own, first to last. */
  private first: Stream | null = null;
  private last: Stream | null = null;
  /** Streams without a queue that were told to pause because the channel is congested. */
  private stalled: Stream[] = [];
  private checking = false;

  constructor(owner: SenderOwner) {
    this.owner = owner;
    this.channel = owner.channel;
    this.writer = owner.writer;
    this.budgets = owner.budgets;
  }

  /** Sends or queues (a copy of) `chunk`; false when the source should pause until `stream.drained`. */
  data(stream: Stream, chunk: Uint8Array): boolean {
    const sent = stream.queue === null && this.first === null && !this.isFull()
      ? this.sendNow(stream, chunk)
      : 0;
    if (sent === chunk.length) {
      if (!this.isFull()) return true;
      if (!stream.blocked) this.stalled.push(stream);
    } else if (!stream.closed) {
      stream.queue ??= new SendQueue();
      stream.queue.push(chunk, sent);
      this.wait(stream);
      if (stream.queue.bytes > MAX_QUEUED_BYTES) {
        this.owner.violated("queuedBytes");
        stream.abort(ErrorCode.internalError, "the body outran its window");
      }
    }
    stream.blocked = true;
    return false;
  }

  /** Ends our side of a stream, behind what is queued. */
  end(stream: Stream, trailers: readonly Field[]): void {
    if (stream.queue !== null) {
      stream.trailers = trailers;
      return;
    }
    if (trailers.length > 0) {
      const at = this.writer.startHeaders();
      writeTrailers(this.owner.encoder, this.channel.out, trailers);
      this.writer.endHeaders(at, stream.id, true);
    } else this.writer.endStream(stream.id);
    stream.localEnd();
  }

  /** The stream's window has grown. */
  streamOpened(stream: Stream): void {
    if (stream.queue === null || stream.sendWindow <= 0) return;
    this.wait(stream);
    this.pump();
  }

  /** The connection's window has grown, or its channel takes bytes again. */
  pump(): void {
    while (this.first !== null && this.window > 0 && !this.isFull()) {
      const stream = this.first;
      this.first = stream.nextWaiting;
      if (this.first === null) this.last = null;
      stream.nextWaiting = null;
      stream.waiting = false;
      this.advance(stream);
    }
  }

  /** The channel takes bytes again. */
  resume(): void {
    this.pump();
    const stalled = this.stalled;
    this.stalled = [];
    for (const stream of stalled) {
      if (stream.queue === null) this.unblock(stream);
    }
  }

  /** True when the channel should get no more now. It tells when that is over, unless it has not noticed yet. */
  private isFull(): boolean {
    if (this.channel.congested) return true;
    if (this.channel.out.length < MAX_TURN_BYTES) return false;
    if (!this.checking) {
      this.checking = true;
      setImmediate(this.check);
    }
    return true;
  }

  /** Runs after the turn's output has left, or has made the channel congested. */
  private readonly check = (): void => {
    this.checking = false;
    if (!this.isFull()) this.resume();
  };

  private sendNow(stream: Stream, chunk: Uint8Array): number {
    const size = this.admit(stream, chunk.length);
    if (size > 0) this.writer.data(stream.id, chunk, 0, size);
    return size;
  }

  /** Sends one frame's worth of the queue, then lets the others go first. */
  private advance(stream: Stream): void {
    const { queue } = stream;
    if (queue === null) return;
    let share = DEFAULT_FRAME_BYTES;
    while (queue.bytes > 0 && share > 0 && !stream.closed) {
      const size = this.admit(stream, Math.min(queue.bytes, share));
      if (size === 0) break;
      for (let rest = size; rest > 0;) {
        const piece = queue.take(rest);
        this.writer.data(stream.id, piece, 0, piece.length);
        rest -= piece.length;
      }
      share -= size;
    }
    if (queue.bytes > 0) this.wait(stream);
    else this.emptied(stream);
  }

  private emptied(stream: Stream): void {
    if (stream.closed) return;
    stream.queue = null;
    if (stream.trailers !== null) this.end(stream, stream.trailers);
    else this.unblock(stream);
  }

  private unblock(stream: Stream): void {
    if (!stream.blocked || stream.closed) return;
    stream.blocked = false;
    stream.drained();
  }

  /** How much of `wanted` bytes both windows admit; they are taken from the windows. */
  private admit(stream: Stream, wanted: number): number {
    const window = Math.min(stream.sendWindow, this.window);
    const size = Math.max(0, Math.min(wanted, window));
    if (size === 0) return 0;
    stream.sendWindow -= size;
    this.window -= size;
    this.budgets.refund("windowUpdates", 4 + (size >> 10));
    this.budgets.refund("pings", 1);
    // What is left of a window before the next update may be little: that is no fault while the rest of it was large.
    if (size >= TINY_FRAME_BYTES) this.budgets.refund("tinyWindows", 1);
    else if (size < wanted) this.countTiny();
    return size;
  }

  private countTiny(): void {
    try {
      this.budgets.spend("tinyWindows");
    } catch (thrown) {
      if (!(thrown instanceof ConnectionFault)) throw thrown;
      this.owner.fail(thrown);
    }
  }

  private wait(stream: Stream): void {
    if (stream.waiting || stream.closed || stream.sendWindow <= 0) return;
    stream.waiting = true;
    if (this.last === null) this.first = stream;
    else this.last.nextWaiting = stream;
    this.last = stream;
  }
}
