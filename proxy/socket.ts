import type { Socket, TCPSocketListener } from "bun";
import type { SocketAddress } from "../schemas/address.ts";
import { type Channel, type ChannelReader, Output } from "./channel.ts";
import { free } from "./chunk.ts";
import { addressOf } from "./socket-address.ts";
import {
  applyTcpOptions,
  originalDestination,
  setBacklog,
  type TcpOptions,
} from "./socket-options.ts";

/** Queued output above which the source should pause: a few TLS records beyond what a kernel buffer takes at once. */
const HIGH_WATER_BYTES = 262_144;
const LOW_WATER_BYTES = 65_536;
/** A chunk this large is handed to the kernel as it is: copying it into `out` would cost more than a system call. */
const DIRECT_WRITE_BYTES = 8_192;

/** A number that only grows, or moves; the metrics room's series have this shape. */
export interface Meter {
  value: number;
}

/** Where a connection and its bytes are counted. */
export interface ConnectionMeters {
  readonly readBytes: Meter;
  readonly writeBytes: Meter;
  opened(): void;
  /** `errno` is "" when the connection ended cleanly. */
  closed(errno: string): void;
}

/** What a Bun socket's events are delivered to. */
interface SocketEvents {
  receive(chunk: Uint8Array): void;
  receiveEnd(): void;
  receiveDrain(): void;
  receiveClose(error: Error | null): void;
}

/** A Bun socket, TLS or plain, whose events belong to the `SocketEvents` in its `data`. */
export type BunSocket = Socket<SocketEvents>;

const NOBODY: ChannelReader = { data() {}, end() {}, drain() {}, close() {} };

/** Channels with output to send when this event-loop turn ends. */
let dirty: SocketChannel[] = [];

function flushAll(): void {
  const channels = dirty;
  dirty = [];
  for (const channel of channels) channel.flushNow();
}

/** A `Channel` over a Bun socket. */
export class SocketChannel implements Channel, SocketEvents {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly out = new Output();
  congested = false;
  closed = false;
  /** Set by `meter`. */
  meters: ConnectionMeters | null = null;
  socket: BunSocket | null;
  private reader: ChannelReader = NOBODY;
  private early: Uint8Array[] | null = null;
  /** How much of `out` the kernel has taken already. */
  private sent = 0;
  /** True while the kernel takes no more; Bun's `drain` ends it. */
  private blocked = false;
  private scheduled = false;
  private ending = false;
  private finished = false;
  private peerEnded = false;
  private endTold = false;
  private closeTold = false;
  private paused = false;
  private destroyed = false;
  private error: Error | null = null;
  private afterwards: (() => void) | null = null;

  constructor(
    socket: BunSocket | null,
    remote: SocketAddress,
    local: SocketAddress,
  ) {
    this.socket = socket;
    this.remote = remote;
    this.local = local;
  }

  attach(reader: ChannelReader): void {
    this.reader = reader;
    // Whoever read before may have been told; the new reader has not.
    this.endTold = this.closeTold = false;
    this.catchUp();
  }

  unread(chunk: Uint8Array): void {
    this.reader = NOBODY;
    if (chunk.length > 0) (this.early ??= []).unshift(chunk);
  }

  flush(): void {
    if (this.scheduled || this.blocked) return;
    this.scheduled = true;
    if (dirty.push(this) === 1) setImmediate(flushAll);
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed || this.ending) return false;
    let rest = chunk;
    if (chunk.length >= DIRECT_WRITE_BYTES && !this.blocked) {
      this.flushNow();
      if (!this.blocked) {
        rest = chunk.subarray(this.send(chunk, 0, chunk.length));
      }
    }
    if (rest.length > 0) {
      this.out.append(rest);
      this.flush();
    }
    if (this.out.length - this.sent > HIGH_WATER_BYTES) this.congested = true;
    return !this.congested;
  }

  end(): void {
    if (this.ending || this.closed) return;
    this.ending = true;
    this.flushNow();
  }

  destroy(): void {
    if (this.closed) return;
    this.out.clear();
    this.ending = this.destroyed = true;
    // Nobody wants to read on, and what a paused reader has not read must not keep the end from it.
    if (this.early !== null) this.early.length = 0;
    // Closing a socket from another socket's callback has crashed Bun under load: let this turn end first.
    queueMicrotask(() => this.socket?.terminate());
  }

  /** Bytes that have arrived and not been given to a reader. */
  get waitingBytes(): number {
    return this.early?.reduce((sum, chunk) => sum + chunk.length, 0) ?? 0;
  }

  /** Where the client had dialled: its original destination when redirected, else our own address. */
  dialled(): SocketAddress {
    const { fd } = this.socket as unknown as { readonly fd: number };
    return originalDestination(
      fd,
      this.remote.ip.includes(":") ? "v6" : "v4",
    ) ?? this.local;
  }

  /** Has `call` run once, when the channel is closed, whoever reads from it then. */
  whenClosed(call: () => void): void {
    const before = this.afterwards;
    this.afterwards = before === null ? call : () => {
      before();
      call();
    };
    if (this.closed) this.settle();
  }

  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.socket?.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.catchUp();
    if (!this.paused) this.socket?.resume();
  }

  /** Hands the gathered output to the kernel, as far as it takes it. */
  flushNow(): void {
    this.scheduled = false;
    if (this.blocked || this.closed) return;
    const { out } = this;
    if (out.length > this.sent) {
      this.sent += this.send(out.bytes, this.sent, out.length);
      if (out.length > this.sent) {
        this.compact();
        if (out.length > HIGH_WATER_BYTES) this.congested = true;
        return;
      }
      this.sent = 0;
      out.clear();
      // The kernel took everything at once: no `drain` of Bun's will follow.
      if (this.congested) this.relieve();
    }
    if (this.ending && !this.finished) this.finish();
  }

  receive(chunk: Uint8Array): void {
    if (this.meters !== null) this.meters.readBytes.value += chunk.length;
    if (this.early !== null || this.reader === NOBODY || this.paused) {
      (this.early ??= []).push(chunk);
    } else {
      this.reader.data(chunk);
      free(chunk);
    }
  }

  receiveEnd(): void {
    this.peerEnded = true;
    this.catchUp();
    if (this.finished) this.socket?.end();
  }

  receiveDrain(): void {
    this.blocked = false;
    this.flushNow();
    if (this.congested && this.out.length - this.sent < LOW_WATER_BYTES) {
      this.relieve();
    }
  }

  receiveClose(error: Error | null): void {
    if (this.closed) return;
    this.closed = true;
    this.error = error;
    this.meters?.closed(errnoOf(error));
    this.settle();
    this.out.clear();
    this.socket = null;
    // Bun may leave out `end` when we had ended our side already.
    if (error !== null) this.early = null;
    else if (!this.destroyed) this.peerEnded = true;
    this.catchUp();
  }

  private relieve(): void {
    this.congested = false;
    this.reader.drain();
  }

  private settle(): void {
    const call = this.afterwards;
    this.afterwards = null;
    call?.();
  }

  /** Gives the reader what came while nobody could take it: bytes in order, then the peer's FIN, then the end. */
  private catchUp(): void {
    const { early } = this;
    while (early !== null && early.length > 0) {
      if (this.reader === NOBODY || this.paused) return;
      const chunk = early.shift();
      if (chunk === undefined) break;
      this.reader.data(chunk);
      free(chunk);
    }
    if (this.early === early) this.early = null;
    if (this.reader === NOBODY) return;
    if (this.peerEnded && !this.endTold) {
      this.endTold = true;
      this.reader.end();
    }
    if (this.closed && !this.closeTold) {
      this.closeTold = true;
      // Later, because readers write from their callbacks and do not expect to be closed by that.
      const { reader } = this;
      queueMicrotask(() => {
        if (this.reader === reader) reader.close(this.error);
      });
    }
  }

  private send(bytes: Uint8Array, from: number, to: number): number {
    const result = this.socket?.write(bytes, from, to - from) ?? 0;
    // The peer is gone, and Bun tells a paused socket of it only when it reads on.
    if (result < 0 && this.paused) this.socket?.resume();
    const taken = Math.max(0, result);
    if (taken < to - from) this.blocked = true;
    if (this.meters !== null) this.meters.writeBytes.value += taken;
    return taken;
  }

  /** Moves unsent output to the front, so that a slow peer does not make the buffer creep upwards. */
  private compact(): void {
    const { out } = this;
    out.bytes.copyWithin(0, this.sent, out.length);
    out.length -= this.sent;
    this.sent = 0;
  }

  private finish(): void {
    this.finished = true;
    // shutdown() delivers what write() accepted; end() on plain TCP may drop it.
    this.socket?.shutdown();
    if (this.peerEnded) this.socket?.end();
  }
}

/** What becomes of the events of a socket on top of which TLS runs: Bun delivers them as well, as ciphertext. */
export const UNDER_TLS: SocketEvents = {
  receive: free,
  receiveEnd() {},
  receiveDrain() {},
  receiveClose() {},
};

export const CHANNEL_HANDLERS = {
  // Not Buffers, whose `slice` is a view: whatever is copied from a chunk would keep all of it.
  binaryType: "uint8array" as const,
  data(socket: BunSocket, chunk: Uint8Array): void {
    socket.data.receive(chunk);
  },
  end(socket: BunSocket): void {
    socket.data.receiveEnd();
  },
  drain(socket: BunSocket): void {
    socket.data.receiveDrain();
  },
  close(socket: BunSocket, error?: Error): void {
    socket.data.receiveClose(error ?? null);
  },
  error(socket: BunSocket, error: Error): void {
    socket.data.receiveClose(error);
    socket.terminate();
  },
};

/** Counts an open channel, its bytes from now on, and its end. */
export function meter(channel: SocketChannel, meters: ConnectionMeters): void {
  meters.opened();
  meters.readBytes.value += channel.waitingBytes;
  if (channel.closed) meters.closed("");
  else channel.meters = meters;
}

function errnoOf(error: Error | null): string {
  if (error === null) return "";
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : "UNKNOWN";
}

export interface Listener {
  readonly address: SocketAddress;
  /** Stops accepting; connections go on. */
  close(): void;
}

/** Settings of a listener and of the connections it accepts. */
export interface ListenOptions extends TcpOptions {
  /** Connections that may wait to be accepted; undefined leaves Bun's. */
  readonly backlog?: number | undefined;
}

/**
 * Accepts TCP connections. `accept` runs before any byte is read, so that it may start TLS on the channel at once or
 * attach a reader.
 */
export function listenTcp(
  address: SocketAddress,
  options: ListenOptions,
  accept: (channel: SocketChannel) => void,
): Listener {
  const listener: TCPSocketListener<SocketEvents> = Bun.listen<SocketEvents>({
    hostname: address.ip,
    port: address.port,
    allowHalfOpen: true,
    socket: {
      ...CHANNEL_HANDLERS,
      open(socket) {
        // A client that is gone before it is accepted has no address any more, and wants nothing.
        if ((socket.remoteAddress as string | undefined) === undefined) {
          socket.data = UNDER_TLS;
          return void socket.terminate();
        }
        const channel = new SocketChannel(
          socket,
          addressOf(socket, "remote"),
          addressOf(socket, "local"),
        );
        socket.data = channel;
        accept(channel);
      },
    },
  });
  applyTcpOptions(listener, options);
  if (options.backlog !== undefined) {
    setBacklog((listener as unknown as { fd: number }).fd, options.backlog);
  }
  return {
    address: { ip: address.ip, port: listener.port },
    close: () => listener.stop(),
  };
}
