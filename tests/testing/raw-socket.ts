import type { Socket } from "bun";
import type { Pod } from "../../demo/bed/pod.ts";
import { inPod } from "./in-pod.ts";

/** One end of a TCP connection, byte by byte: nothing is parsed, repeated or closed unless the test says so. */
export interface RawSocket {
  /** All that has been received. */
  received(): Buffer;
  /** The same, a character per byte. */
  text(): string;
  /** Queues bytes; in text a character is a byte. */
  write(data: Uint8Array | string): void;
  /** FIN behind all that is queued; receiving goes on. */
  finish(): void;
  /** Closes both directions at once. */
  destroy(): void;
  pause(): void;
  resume(): void;
  /** Resolves with the text received when it satisfies `done`; rejects when the connection ends before. */
  until(done: (text: string) => boolean): Promise<string>;
  /** The other side's FIN, or the end of the connection: all that was received. */
  readonly ended: Promise<Buffer>;
  /** The end in both directions. */
  readonly closed: Promise<void>;
}

/** A listening socket in a pod and all it accepted. */
export interface RawServer {
  readonly sockets: readonly RawSocket[];
  close(): void;
}

/** Connects from a pod; rejects when refused. */
export async function dialRaw(
  from: Pick<Pod, "netns">,
  ip: string,
  port: number,
): Promise<RawSocket> {
  const end = createEnd();
  await inPod(from, () =>
    Bun.connect<End>({
      hostname: ip,
      port,
      data: end,
      allowHalfOpen: true,
      socket: HANDLERS,
    }));
  return end.raw;
}

/** Listens on all addresses of a pod; `accept` sees each connection before any of its bytes. */
export function listenRaw(
  pod: Pick<Pod, "netns">,
  port: number,
  accept: (socket: RawSocket) => void,
): RawServer {
  const sockets: RawSocket[] = [];
  const listener = inPod(pod, () =>
    Bun.listen<End>({
      hostname: "0.0.0.0",
      port,
      allowHalfOpen: true,
      socket: {
        ...HANDLERS,
        open(socket) {
          socket.data = createEnd();
          HANDLERS.open(socket);
          sockets.push(socket.data.raw);
          accept(socket.data.raw);
        },
      },
    }));
  return {
    sockets,
    close() {
      listener.stop();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** What Bun's events are delivered to. */
interface End {
  readonly raw: RawSocket;
  open(socket: Socket<End>): void;
  data(chunk: Uint8Array): void;
  drain(): void;
  end(): void;
  close(): void;
}

const HANDLERS = {
  open: (socket: Socket<End>) => socket.data.open(socket),
  data: (socket: Socket<End>, chunk: Uint8Array) => socket.data.data(chunk),
  drain: (socket: Socket<End>) => socket.data.drain(),
  end: (socket: Socket<End>) => socket.data.end(),
  close: (socket: Socket<End>) => socket.data.close(),
  error: (socket: Socket<End>) => socket.data.close(),
};

function createEnd(): End {
  let socket: Socket<End> | null = null;
  const chunks: Buffer[] = [];
  const unsent: Uint8Array[] = [];
  const waiting = new Set<() => void>();
  const ended = Promise.withResolvers<Buffer>();
  const closed = Promise.withResolvers<void>();
  let over = false;
  let finishing = false;
  let finished = false;
  let peerFinished = false;

  const received = (): Buffer => {
    if (chunks.length > 1) {
      chunks.splice(0, chunks.length, Buffer.concat(chunks));
    }
    return chunks[0] ?? Buffer.alloc(0);
  };
  const text = (): string => received().toString("latin1");
  const wake = (): void => {
    for (const call of waiting) call();
  };
  const flush = (): void => {
    for (;;) {
      const [first] = unsent;
      if (first === undefined || socket === null) break;
      const taken = Math.max(0, socket.write(first));
      if (taken < first.length) {
        unsent[0] = first.subarray(taken);
        return;
      }
      unsent.shift();
    }
    if (!finishing || finished) return;
    finished = true;
    socket?.shutdown();
    if (peerFinished) socket?.end();
  };
  const raw: RawSocket = {
    received,
    text,
    write(data) {
      unsent.push(
        typeof data === "string" ? Buffer.from(data, "latin1") : data,
      );
      if (unsent.length === 1) flush();
    },
    finish() {
      finishing = true;
      if (unsent.length === 0) flush();
    },
    destroy: () => socket?.terminate(),
    pause: () => void socket?.pause(),
    resume: () => void socket?.resume(),
    until: (done) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const now = text();
          if (done(now)) resolve(now);
          else if (over || peerFinished) {
            reject(
              new Error(`The connection ended after ${JSON.stringify(now)}`),
            );
          } else return;
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
    ended: ended.promise,
    closed: closed.promise,
  };
  return {
    raw,
    open(opened) {
      socket = opened;
      flush();
    },
    data(chunk) {
      chunks.push(Buffer.from(chunk));
      if (waiting.size > 0) wake();
    },
    drain: flush,
    end() {
      peerFinished = true;
      ended.resolve(received());
      wake();
      if (finished) socket?.end();
    },
    close() {
      if (over) return;
      over = true;
      socket = null;
      ended.resolve(received());
      closed.resolve();
      wake();
    },
  };
}
