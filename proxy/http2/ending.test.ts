import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { FrameType } from "./frames.ts";
import { startClient, startServer } from "./testing/http2.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("a peer that stays after GOAWAY is cut off", async () => {
  const { client, far } = startServer();
  client.start();
  client.frame(FrameType.ping, 0, 1, new Uint8Array(8));
  await settle();
  expect(client.lines.at(-1)).toBe("goaway 0 1");
  expect(far.closed).toBeFalse();
  jest.advanceTimersByTime(1_000);
  expect(far.closed).toBeTrue();
});

test("a client that does not answer the PING of drain() is not waited for", async () => {
  const { client, server, far } = startServer();
  client.start();
  await settle();
  server.drain();
  await settle();
  expect(client.lines.slice(-2)).toEqual(["goaway 2147483647 0", "ping"]);
  jest.advanceTimersByTime(1_000);
  await settle();
  expect(client.lines.at(-1)).toBe("goaway 0 0");
  jest.advanceTimersByTime(1_000);
  expect(far.closed).toBeTrue();
});

test("no timer is left behind", async () => {
  const { connection, server, events } = startClient({
    keepAlive: { keepAliveIntervalMs: 10, keepAliveTimeoutMs: 10 },
  });
  server.settings([]);
  await settle();
  connection.drain();
  connection.destroy();
  await settle();
  const { client, server: drained, near, far } = startServer();
  client.start();
  drained.drain();
  await settle();
  near.destroy();
  await settle();
  expect(far.closed).toBeTrue();
  jest.advanceTimersByTime(2_000);
  expect(events).toEqual(["closed"]);
  expect(jest.getTimerCount()).toBe(0);
});

/** Lets memory channels carry all they hold; they need microtasks only. */
async function settle(): Promise<void> {
  for (let round = 0; round < 50; round++) await Promise.resolve();
}
