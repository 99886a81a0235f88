/** The client against a server on loopback that stops answering for a while. */
import { afterEach, expect, test } from "bun:test";
import type { Load } from "../result.ts";

let server: Bun.TCPSocketListener | null = null;

afterEach(() => {
  const alsoConnections = true;
  server?.stop(alsoConnections);
});

const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Answers every request; the one with this number only after so many milliseconds, and those behind it after it. */
function serve(slow: { number: number; delayMs: number }): number {
  let count = 0;
  let stalled = Promise.resolve();
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket) {
        if (++count === slow.number) stalled = Bun.sleep(slow.delayMs);
        stalled.then(() => socket.write(ANSWER));
      },
    },
  });
  server = listener;
  return listener.port;
}

async function run(port: number, rate: number): Promise<Load> {
  const client = Bun.spawn([
    ...[process.execPath, `${import.meta.dir}/open-loop.ts`, "127.0.0.1"],
    ...[`${port}`, `${rate}`, "1"],
  ]);
  const text = await new Response(client.stdout).text();
  await client.exited;
  return JSON.parse(text) as Load;
}

test("the open loop counts the wait of every request that was due during a stall", async () => {
  // Of 1,000 requests in a second, 600 were due in a stall of 600 ms, and waited 0 to 600 ms for its end.
  const load = await run(serve({ number: 200, delayMs: 600 }), 1000);
  expect(load.requests).toBe(1000);
  expect(load.failed).toBe(0);
  expect(load.latency?.p999Ms).toBeGreaterThan(500);
  // A client that timed from the sending would see the stall on its 64 connections only, and a median of nothing.
  expect(load.latency?.p50Ms).toBeGreaterThan(30);
});

test("the open loop counts answers that are no success as failures", async () => {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data: (socket) =>
        void socket.write(
          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        ),
    },
  });
  server = listener;
  const load = await run(listener.port, 100);
  expect(load.requests).toBe(0);
  expect(load.failed).toBe(100);
  expect(load.latency).toBeNull();
});

test("the open loop asks again on connections that were closed before they were used", async () => {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) =>
        void setTimeout(() => {
          socket.end(
            "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
          );
        }, 700),
      data: (socket) => void socket.write(ANSWER),
    },
  });
  server = listener;
  const load = await run(listener.port, 100);
  // Of two connections at most, the request in flight.
  expect(load.failed).toBeLessThan(3);
  expect(load.requests).toBe(100 - load.failed);
});
