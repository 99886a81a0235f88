import type { Socket } from "node:net";

/** What every HTTP/2 connection begins with (RFC 9113 3.4); no HTTP/1 method is `PRI`. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** A client that has said nothing by then is let go; Linkerd's own detection waits as long. */
const SILENCE_MS = 10_000;

/** A loop that was busy for all that time has yet to read what the client did say: when thousands come back at once. */
const LAST_LOOK_MS = 1_000;

/** Something that takes over an accepted socket, such as an `http2` or `http` server. */
export interface Taker {
  emit(event: "connection", socket: Socket): boolean;
}

/** Who serves what. */
export interface Takers {
  readonly http2: Taker;
  readonly http1: Taker;
}

/**
 * Hands an accepted socket to one of two servers by its first bytes, which the server then sees as well. A socket that
 * has not said enough is closed after a while, and when `shutdown` is aborted.
 */
export function sniff(
  socket: Socket,
  takers: Takers,
  shutdown: AbortSignal,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const giveUp = (): void => void socket.destroy();
  let timer = setTimeout(() => {
    timer = setTimeout(giveUp, LAST_LOOK_MS);
  }, SILENCE_MS);
  shutdown.addEventListener("abort", giveUp);
  const forget = (): void => {
    clearTimeout(timer);
    shutdown.removeEventListener("abort", giveUp);
  };
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
    const taker = isPrefix ? takers.http2 : takers.http1;
    taker.emit("connection", socket);
    // Both servers have begun to listen for data by now. In Bun 1.4.5 they do not see bytes given back by `unshift`.
    socket.emit("data", seen);
  };
  socket.on("data", onData);
  socket.on("close", forget);
}
