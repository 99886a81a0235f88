import { expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { createDrain } from "./drain.ts";

test("until the end every request is answered, but each the last on its connection", async () => {
  const { fetch, drain } = createDrain(() => new Response("here"));
  await using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
  const port = server.port ?? 0;
  using kept = await open(port);
  expect(await kept.ask()).not.toContain("connection: close");
  const ended = drain(200);
  expect(await kept.ask()).toContain("connection: close");
  await kept.closed;
  using another = await open(port);
  expect(await another.ask()).toStartWith("http/1.1 200 ok");
  await ended;
});

interface Connection extends Disposable {
  /** Sends a request, and returns the answer in small letters. */
  ask(): Promise<string>;
  readonly closed: Promise<void>;
}

async function open(port: number): Promise<Connection> {
  const socket: Socket = connect({ host: "127.0.0.1", port });
  const closed = new Promise<void>((resolve) => socket.once("close", resolve));
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve).once("error", reject);
  });
  return {
    closed,
    ask: () =>
      new Promise((resolve) => {
        let answer = "";
        socket.on("data", function take(chunk) {
          answer += chunk.toString();
          if (!answer.endsWith("here")) return;
          socket.off("data", take);
          resolve(answer.toLowerCase());
        });
        socket.write("GET / HTTP/1.1\r\nhost: here\r\n\r\n");
      }),
    [Symbol.dispose]: () => socket.destroy(),
  };
}
