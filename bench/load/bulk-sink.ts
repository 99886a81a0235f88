/** `bun bulk-sink.ts ip port seconds`: reads one stream and prints the Load as JSON. */
import type { Load } from "../result.ts";

const [ip = "", port = "", seconds = ""] = process.argv.slice(2);

let bytes = 0;
const start = performance.now();
const finish = (failed: number): never => {
  const load: Load = {
    seconds: (performance.now() - start) / 1000,
    requests: null,
    failed,
    latency: null,
    bytes,
  };
  process.stdout.write(`${JSON.stringify(load)}\n`);
  process.exit();
};

await Bun.connect({
  hostname: ip,
  port: Number(port),
  socket: {
    data(_socket, chunk) {
      bytes += chunk.length;
    },
    close: () => finish(1),
    error: () => finish(1),
  },
});
setTimeout(() => finish(bytes === 0 ? 1 : 0), Number(seconds) * 1000);
