import { Duplex } from "node:stream";
import type { Socket } from "bun";
import { inNamespace } from "./enter.ts";

/** A connection to a port of a namespace's own loopback, as a program inside would make it, or a port-forward. */
export function connectInside(netns: string, port: number): Duplex {
  let rest: Uint8Array = new Uint8Array();
  let written = NOTHING;
  const flush = (socket: Socket): void => {
    rest = rest.subarray(Math.max(0, socket.write(rest)));
    if (rest.length > 0) return;
    const done = written;
    written = NOTHING;
    done();
  };
  const opened = inNamespace(
    netns,
    () =>
      Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: {
          data(socket, chunk) {
            if (!stream.push(Buffer.from(chunk))) socket.pause();
          },
          drain: flush,
          close: () => void stream.destroy(),
          error: (_, error) => void stream.destroy(error),
        },
      }),
  );
  const stream = new Duplex({
    construct: (done) => void opened.then(() => done(), done),
    read: () => void opened.then((socket) => socket.resume()),
    write(chunk: Uint8Array, _, done) {
      [rest, written] = [chunk, done];
      void opened.then(flush);
    },
    destroy(error, done) {
      void opened.then((socket) => socket.end(), () => {});
      done(error);
    },
  });
  return stream;
}

const NOTHING: (error?: Error | null) => void = () => {};
