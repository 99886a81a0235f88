import type { Socket } from "node:net";

/** What every HTTP/2 connection begins with (RFC 9113 3.4); no HTTP/1 method is `PRI`. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** A client that has said nothing by then is let go; Linkerd's own detection waits as long. */
const SILENCE_MS = 10_000;

/** Something that takes over an accepted socket, such as an `http2` or `http` server. */
export interface Taker {
  emit(event: "connection", socket: Socket): boolean;
}

/** Hands an accepted socket to one of two servers by its first bytes, which the server then sees as well. */
export function sniff(socket: Socket, http2: Taker, http1: Taker): void {
  let seen: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), SILENCE_MS);
  const forget = (): void => clearTimeout(timer);
  const onData = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const compared = Math.min(seen.length, PREFACE.length);
    const isPrefix = PREFACE.subarray(0, compared).equals(
      seen.subarray(0, compared),
    );
    if (isPrefix && compared < PREFACE.length) return;
    forget();
    socket.off("data", onData);
    socket.off("close", forget);
    (isPrefix ? http2 : http1).emit("connection", socket);
    // Both servers have begun to listen for data by now. In Bun 1.4.5 they do not see bytes given back by `unshift`.
    socket.emit("data", seen);
  };
  socket.on("data", onData);
  socket.on("close", forget);
}
