import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { SocketAddress } from "../../schemas/address.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import { type Channel, type ChannelReader, Output } from "../channel.ts";
import { join } from "../chunk.ts";
import { judge, serverOptions, type TlsPeer } from "../terminate.ts";
import type { Credentials, TlsSocket } from "../tls.ts";

/**
 * Terminates TLS on a channel whose first bytes have been read to find the ClientHello: Bun starts native TLS only on
 * untouched sockets, so these bytes go through a TLS engine over streams. Connections of control clients and of proxies
 * in `transparent` mode come this way; the mesh's own hop does not. That engine ends both directions when the peer ends
 * its own: no half-close here.
 */
export function terminateSniffed(
  raw: Channel,
  credentials: Credentials,
  timeoutMs: number,
  done: (
    outcome: { readonly peer: TlsPeer; readonly channel: Channel } | Problem,
  ) => void,
): void {
  let settled = false;
  const broken: Broken = { error: null };
  const tls = new TLSSocket(streamOver(raw, broken) as never, {
    ...serverOptions(credentials, false),
    isServer: true,
    allowHalfOpen: true,
  } as never);
  const settle = (outcome: { peer: TlsPeer; channel: Channel } | Problem) => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    if (outcome instanceof Problem) raw.destroy();
    done(outcome);
  };
  const timer = setTimeout(
    () =>
      settle(
        new Problem("tls.refused", `No TLS handshake within ${timeoutMs} ms`),
      ),
    timeoutMs,
  );
  tls.once("secure", () => {
    const { authorizationError } = tls as unknown as {
      authorizationError: (Error & { code?: string }) | string | null;
    };
    const error = typeof authorizationError === "string"
      ? Object.assign(new Error(authorizationError), {
        code: authorizationError,
      })
      : authorizationError;
    const peer = judge(tls as unknown as TlsSocket, error);
    settle(
      peer instanceof Problem
        ? peer
        : { peer, channel: new StreamChannel(tls, raw, broken) },
    );
  });
  tls.on(
    "error",
    (error) =>
      settle(
        new Problem("tls.refused", `TLS handshake failed: ${describe(error)}`, {
          cause: error,
        }),
      ),
  );
  tls.once(
    "close",
    () =>
      settle(new Problem("tls.refused", "The peer left during the handshake")),
  );
}

/** What broke the channel underneath, which the engine does not pass on. */
interface Broken {
  error: Error | null;
}

/** A channel as a Node stream. */
function streamOver(raw: Channel, broken: Broken): Duplex {
  let drained: (() => void) | null = null;
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => raw.resume(),
    write(chunk: Uint8Array, _encoding, callback) {
      if (raw.write(chunk)) callback();
      else drained = callback;
    },
    final(callback) {
      raw.end();
      callback();
    },
    destroy(error, callback) {
      raw.destroy();
      callback(error);
    },
  });
  raw.attach({
    data(chunk) {
      if (!stream.push(chunk.slice())) raw.pause();
    },
    end: () => void stream.push(null),
    drain() {
      const callback = drained;
      drained = null;
      callback?.();
    },
    close(error) {
      broken.error = error;
      if (error !== null) stream.destroy(error);
      else if (!stream.readableEnded) stream.push(null);
    },
  });
  return stream;
}

const NOBODY: ChannelReader = { data() {}, end() {}, drain() {}, close() {} };

/** A Node stream as a channel. */
class StreamChannel implements Channel {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly out = new Output();
  congested = false;
  closed = false;
  private readonly stream: TLSSocket;
  private readonly broken: Broken;
  private reader: ChannelReader = NOBODY;
  private early: Uint8Array | null = null;
  private scheduled = false;
  private ending = false;
  private peerEnded = false;
  private error: Error | null = null;

  constructor(stream: TLSSocket, raw: Channel, broken: Broken) {
    this.stream = stream;
    this.broken = broken;
    this.remote = raw.remote;
    this.local = raw.local;
    stream.pause();
    // A plain array again, as other channels give: the `slice` of a Buffer is no copy.
    stream.on(
      "data",
      ({ buffer, byteOffset, length }: Buffer) =>
        this.reader.data(new Uint8Array(buffer, byteOffset, length)),
    );
    stream.on("end", () => {
      this.peerEnded = true;
      this.reader.end();
    });
    stream.on("drain", () => {
      this.congested = false;
      this.reader.drain();
    });
    stream.on("error", (error) => this.over(error));
    stream.on("close", () => this.over(this.broken.error));
  }

  attach(reader: ChannelReader): void {
    this.reader = reader;
    const { early } = this;
    this.early = null;
    if (early !== null) reader.data(early);
    if (this.reader !== reader) return;
    if (this.peerEnded) reader.end();
    this.stream.resume();
    if (!this.closed) return;
    queueMicrotask(() => {
      if (this.reader === reader) reader.close(this.error);
    });
  }

  unread(chunk: Uint8Array): void {
    this.stream.pause();
    this.reader = NOBODY;
    this.early = this.early === null ? chunk : join(chunk, this.early);
  }

  flush(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.send();
    });
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed || this.ending) return false;
    this.out.append(chunk);
    this.send();
    return !this.congested;
  }

  end(): void {
    this.send();
    this.ending = true;
    this.stream.end();
  }

  destroy(): void {
    this.out.clear();
    this.stream.destroy();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  private send(): void {
    const { out } = this;
    if (out.length === 0 || this.closed) return;
    // The stream keeps what it is given until it is sent.
    if (!this.stream.write(out.bytes.slice(0, out.length))) {
      this.congested = true;
    }
    out.clear();
  }

  private over(error: Error | null): void {
    if (this.closed) return;
    this.closed = true;
    this.error = error;
    this.reader.close(error);
  }
}
