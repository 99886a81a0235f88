// A server that tests send to: `bun tests/testing/backend.ts`. HTTP on 8080 sends a request's body back, or NAME when it
// has none, after DELAY_MS; 8081 answers how many requests 8080 has had; TCP on 9000 sends back what it hears. After
// SIGTERM it serves on for GRACE_MS, as an application with a preStop hook does, and ends once open requests are answered.
import type { Socket } from "bun";

const { NAME = "", GRACE_MS = "0", DELAY_MS = "0" } = process.env;
let served = 0;

const web = Bun.serve({
  port: 8080,
  hostname: "0.0.0.0",
  async fetch(request) {
    served++;
    await Bun.sleep(Number(DELAY_MS));
    return new Response(await request.text() || NAME);
  },
});

const counter = Bun.serve({
  port: 8081,
  hostname: "0.0.0.0",
  fetch: () => new Response(String(served)),
});

/** What could not be sent yet. */
interface Unsent {
  bytes: Uint8Array;
}

const echo = Bun.listen<Unsent>({
  port: 9000,
  hostname: "0.0.0.0",
  allowHalfOpen: true,
  socket: {
    open: (socket) => void (socket.data = { bytes: new Uint8Array(0) }),
    data(socket, chunk) {
      socket.data.bytes = Buffer.concat([socket.data.bytes, chunk]);
      flush(socket);
    },
    drain: flush,
    end: (socket) => void socket.shutdown(),
  },
});

function flush(socket: Socket<Unsent>): void {
  const { bytes } = socket.data;
  if (bytes.length > 0) socket.data.bytes = bytes.subarray(socket.write(bytes));
}

process.on("SIGTERM", async () => {
  await Bun.sleep(Number(GRACE_MS));
  echo.stop();
  await Promise.all([web.stop(), counter.stop()]);
  process.exit(0);
});
process.stdout.write("ready\n");
