import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { pass } from "../testing/control-bed.ts";
import { requestHead } from "../testing/http1.ts";
import { DialledServer, TestLease } from "../testing/server-bed.ts";
import { createEarly, leaseEarly } from "./early.ts";

const HEADS = {
  http1: requestHead("GET", "/", { host: "a" }),
  http2: requestHead("GET", "/", { authority: "a" }, "2"),
};

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe("createEarly()", () => {
  test("gives its connection away once, and then has none to close", async () => {
    const server = new DialledServer("http1");
    const early = createEarly(server.open());
    server.accept();
    expect(early.take()).not.toBeNull();
    expect(early.take()).toBeNull();
    early.release();
    await pass(0);
    expect(server.channels[0]?.closed).toBeFalse();
  });

  test("closes a connection that nobody has taken", async () => {
    const server = new DialledServer("http1");
    const early = createEarly(server.open());
    early.release();
    server.accept();
    await pass(0);
    expect(server.channels[0]?.closed).toBeTrue();
  });

  test("may have nothing, or something that failed", async () => {
    createEarly(null).release();
    const server = new DialledServer("http1");
    createEarly(server.open()).release();
    server.refuse();
    await pass(0);
  });
});

describe.each(["http1", "http2"] as const)("leaseEarly() over %s", (kind) => {
  let server: DialledServer;
  let lease: TestLease;
  let otherwise: number;
  beforeEach(() => {
    server = new DialledServer(kind);
    lease = new TestLease(HEADS[kind]);
    otherwise = 0;
    leaseEarly(server.open(), HEADS[kind], lease, () => void otherwise++);
  });

  test("carries one request and closes behind it", async () => {
    server.accept();
    await pass(0);
    server.requests[0]?.answer(200, "hello");
    await pass(0);
    expect([lease.response.body, lease.calls]).toEqual(["hello", 1]);
    await pass(2_000);
    expect([server.channels[0]?.closed, otherwise]).toEqual([true, 0]);
  });

  test("closes at once when the request has left", async () => {
    lease.wanted = false;
    server.accept();
    await pass(2_000);
    expect([lease.calls, server.channels[0]?.closed]).toEqual([1, true]);
  });

  test("turns to the usual way when nobody answers", async () => {
    server.refuse();
    await pass(0);
    expect([lease.calls, otherwise]).toEqual([0, 1]);
  });

  test("turns to the usual way when the server has closed meanwhile", async () => {
    server.acceptAndClose();
    await pass(5_000);
    expect([lease.calls, otherwise]).toEqual([0, 1]);
  });
});
