import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { KeepAlive } from "./keep-alive.ts";

const OPTIONS = { keepAliveIntervalMs: 100, keepAliveTimeoutMs: 30 };

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("KeepAlive gives up when nothing comes in time", () => {
  const { events } = start();
  jest.advanceTimersByTime(100);
  expect(events).toEqual(["ping"]);
  jest.advanceTimersByTime(30);
  expect(events).toEqual(["ping", "dead"]);
  jest.advanceTimersByTime(1000);
  expect(events.length).toBe(2);
});

test("KeepAlive takes any bytes for an answer and begins anew", () => {
  const { events, keepAlive } = start();
  jest.advanceTimersByTime(110);
  keepAlive.heard = true;
  jest.advanceTimersByTime(20);
  jest.advanceTimersByTime(100);
  expect(events).toEqual(["ping", "ping"]);
  keepAlive.stop();
});

test("KeepAlive does not test a connection that is heard", () => {
  const { events, keepAlive } = start();
  for (let round = 0; round < 10; round++) {
    keepAlive.heard = true;
    jest.advanceTimersByTime(100);
  }
  expect(events).toEqual([]);
  keepAlive.stop();
  jest.advanceTimersByTime(1000);
  expect(events).toEqual([]);
});

test("KeepAlive leaves an idle connection alone unless asked", () => {
  const quiet = start(OPTIONS, () => true);
  const asked = start({ ...OPTIONS, keepAliveWhileIdle: true }, () => true);
  jest.advanceTimersByTime(100);
  expect(quiet.events).toEqual([]);
  expect(asked.events).toEqual(["ping"]);
});

function start(
  options: ConstructorParameters<typeof KeepAlive>[0] = OPTIONS,
  isIdle = () => false,
) {
  const events: string[] = [];
  const keepAlive = new KeepAlive(options, {
    isIdle,
    sendPing: () => void events.push("ping"),
    pingTimedOut: () => void events.push("dead"),
  });
  return { events, keepAlive };
}
