import {
  type Channel,
  type ChannelReader,
  Output,
} from "../../proxy/channel.ts";
import type { SocketAddress } from "../../schemas/address.ts";

const ADDRESS: SocketAddress = { ip: "10.0.0.1", port: 80 };

/** Channels with output, in the order in which they were flushed. */
let dirty: TurnChannel[] = [];

function deliverAll(): void {
  const channels = dirty;
  dirty = [];
  for (const channel of channels) channel.deliver();
}

/** Two joined channels that cost next to nothing: bytes arrive one event-loop turn after they were flushed. */
export function createTurnChannels(): readonly [TurnChannel, TurnChannel] {
  const left = new TurnChannel();
  const right = new TurnChannel();
  left.peer = right;
  right.peer = left;
  return [left, right];
}

/** One end of a pair. It never closes and is never full. */
export class TurnChannel implements Channel {
  readonly remote = ADDRESS;
  readonly local = ADDRESS;
  readonly out: Output = new Output();
  readonly congested = false;
  readonly closed = false;
  peer: TurnChannel | null = null;
  private reader: ChannelReader | null = null;
  private scheduled = false;

  attach(reader: ChannelReader): void {
    this.reader = reader;
  }

  flush(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    if (dirty.push(this) === 1) setImmediate(deliverAll);
  }

  write(chunk: Uint8Array): boolean {
    this.out.append(chunk);
    this.flush();
    return true;
  }

  /** Hands the output over in one view: a read from a socket makes one object as well. */
  deliver(): void {
    this.scheduled = false;
    const { out } = this;
    const { length } = out;
    this.peer?.reader?.data(out.bytes.subarray(0, length));
    if (out.length !== length) throw new Error("written to while being read");
    out.clear();
  }

  unread(): void {}
  end(): void {}
  destroy(): void {}
  pause(): void {}
  resume(): void {}
}
