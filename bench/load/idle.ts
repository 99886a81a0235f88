/** `bun idle.ts ip port connections seconds`: one request on each connection, then silence; prints the Load. */
import type { Load } from "../result.ts";

const [ip = "", port = "", connections = "", seconds = ""] = process.argv
  .slice(2);

const REQUEST = `GET / HTTP/1.1\r\nHost: ${ip}:${port}\r\n\r\n`;

let broken = 0;

/** Resolves when the connection has its answer, or never will. */
function open(): Promise<void> {
  const answered = Promise.withResolvers<void>();
  Bun.connect({
    hostname: ip,
    port: Number(port),
    socket: {
      open: (socket) => void socket.write(REQUEST),
      data: () => answered.resolve(),
      close() {
        broken++;
        answered.resolve();
      },
    },
  }).catch(() => {
    broken++;
    answered.resolve();
  });
  return answered.promise;
}

const start = performance.now();
for (let opened = 0; opened < Number(connections); opened++) await open();
const leftMs = Number(seconds) * 1000 - (performance.now() - start);
await Bun.sleep(Math.max(0, leftMs));

const load: Load = {
  seconds: Number(seconds),
  requests: null,
  failed: broken,
  latency: null,
  bytes: null,
};
process.stdout.write(`${JSON.stringify(load)}\n`);
process.exit();
