import { expect, test } from "bun:test";
import { dial } from "./connect.ts";

const HOLD = `
const { port } = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
process.stdout.write(port + "\\n");
`;

test("a process that had no CPU until the time was up sees that the peer had answered", async () => {
  // Another process: this one is about to stand still.
  const server = Bun.spawn([process.execPath, "-e", HOLD], { stdout: "pipe" });
  try {
    const { value } = await server.stdout.getReader().read();
    const address = {
      ip: "127.0.0.1",
      port: Number(new TextDecoder().decode(value)),
    };
    // Twice, for the first connection of a process is opened in another way.
    for (const _ of [1, 2]) {
      const dialled = dial(address, { timeoutMs: 20, tcp: {}, tls: null });
      Bun.sleepSync(60);
      const channel = await dialled;
      expect(channel.remote).toEqual(address);
      channel.destroy();
    }
  } finally {
    server.kill();
    await server.exited;
  }
});
