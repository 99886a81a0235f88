import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { pass } from "../testing/control-bed.ts";
import { DialledServer, TestLease } from "../testing/server-bed.ts";
import { createHttp2Link, type Http2Link } from "./http2-link.ts";

const BACK_OFF = { minMs: 100, maxMs: 10_000, jitter: 0 };
const AGE_MS = 3_600_000;
const IDLE_MS = 60_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  link.close();
  jest.useRealTimers();
});

let server: DialledServer;
let link: Http2Link;
/** What `ready` was each time the owner was told of a change. */
let changes: boolean[];

function openLink(eager: boolean, maxConcurrentStreams = 100): void {
  server = new DialledServer("http2", maxConcurrentStreams);
  changes = [];
  link = createHttp2Link(
    server.open,
    { eager, backOff: BACK_OFF, http2: {} },
    () => changes.push(link.ready),
  );
}

function acquire(): TestLease {
  const lease = new TestLease();
  link.acquire(lease);
  return lease;
}

/** Long enough for what waits for other streams' frames to be sent as well. */
async function eventLoop(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
}

describe("an eager link", () => {
  test("connects at once and says when it is ready", async () => {
    openLink(true);
    expect([server.dials.length, link.ready]).toEqual([1, false]);
    server.accept();
    await pass(0);
    expect([link.ready, changes]).toEqual([true, [true]]);
    const [one, two] = [acquire(), acquire()];
    await eventLoop();
    for (const request of server.requests) request.answer(200);
    await eventLoop();
    expect([one.response.status, two.response.status]).toEqual([200, 200]);
    expect(one.connection).toBe(two.connection);
  });

  test("serves who waits when it is connected", async () => {
    openLink(true);
    const lease = acquire();
    expect(lease.calls).toBe(0);
    server.accept();
    await pass(0);
    expect([lease.calls, server.requests.length]).toEqual([1, 1]);
  });

  test("tries again after growing waits, and refuses who waits each time", async () => {
    openLink(true);
    for (const waitMs of [100, 200, 400, 800]) {
      const lease = acquire();
      server.refuse();
      await pass(0);
      expect(lease.problem?.code).toBe("connect.failed");
      // Bun's clock moves on by one even for 0.
      await pass(waitMs - 10);
      expect(server.dials).toEqual([]);
      await pass(10);
      expect(server.dials.length).toBe(1);
    }
  });

  test("never waits longer than the longest wait", async () => {
    openLink(true);
    for (let round = 0; round < 30; round++) {
      server.refuse();
      await pass(BACK_OFF.maxMs);
    }
    expect(server.dials.length).toBe(1);
  });

  test("forgets old failures once a connection has lasted", async () => {
    openLink(true);
    for (let round = 0; round < 5; round++) {
      server.refuse();
      await pass(BACK_OFF.maxMs);
    }
    server.accept();
    await pass(BACK_OFF.minMs);
    server.channels[0]?.destroy();
    await pass(0);
    expect(server.dials.length).toBe(1);
    server.refuse();
    await pass(BACK_OFF.minMs);
    expect(server.dials.length).toBe(1);
  });

  test("does not race with a peer that takes connections and drops them", async () => {
    openLink(true);
    let dials = 0;
    for (let ms = 0; ms < 1_000; ms++) {
      dials += server.dials.length;
      while (server.dials.length > 0) server.acceptAndClose();
      await pass(1);
    }
    expect(dials).toBeLessThan(10);
  });

  test("replaces a connection that its server retires; what is under way ends", async () => {
    openLink(true);
    server.accept();
    await pass(BACK_OFF.minMs);
    const lease = acquire();
    await pass(0);
    server.connections[0]?.drain();
    await pass(0);
    expect(changes).toEqual([true, false]);
    server.accept();
    await pass(0);
    expect(changes).toEqual([true, false, true]);
    server.requests[0]?.answer(200, "slow");
    await pass(0);
    expect(lease.response.body).toBe("slow");
    expect(acquire().connection).not.toBe(lease.connection);
  });

  test("is renewed by age, the new connection before the old one goes", async () => {
    openLink(true);
    server.accept();
    await pass(0);
    const old = acquire();
    await pass(1.1 * AGE_MS);
    expect(server.dials.length).toBe(1);
    expect(link.ready).toBeTrue();
    server.accept();
    await pass(0);
    expect(acquire().connection).not.toBe(old.connection);
    server.requests[0]?.answer(200);
    await pass(2_000);
    expect([old.response.status, server.channels[0]?.closed])
      .toEqual([200, true]);
  });
});

describe("a link on demand", () => {
  test("connects when somebody asks, and again after a loss", async () => {
    openLink(false);
    expect(server.dials).toEqual([]);
    const first = acquire();
    server.accept();
    await pass(BACK_OFF.minMs);
    server.channels[0]?.destroy();
    await pass(0);
    expect([first.response.reset?.origin, server.dials.length])
      .toEqual(["io", 0]);
    acquire();
    expect(server.dials.length).toBe(1);
  });

  test("tells who asks that nobody answers, and asks no more by itself", async () => {
    openLink(false);
    const lease = acquire();
    server.refuse();
    await pass(BACK_OFF.maxMs);
    expect([lease.problem?.message, server.dials.length])
      .toEqual(["refused", 0]);
  });

  test("lets an idle connection go, not one that works", async () => {
    openLink(false);
    acquire();
    server.accept();
    await pass(2 * IDLE_MS);
    expect(link.ready).toBeTrue();
    server.requests[0]?.answer(200);
    await pass(IDLE_MS);
    await pass(2_000);
    expect([link.ready, server.channels[0]?.closed]).toEqual([false, true]);
  });
});

describe("a link", () => {
  test("lets no more wait than the server's streams leave waiting", async () => {
    openLink(true, 1);
    server.accept();
    await pass(0);
    const [first, second] = [acquire(), acquire()];
    await pass(0);
    expect([first.calls, second.calls, link.ready]).toEqual([1, 0, false]);
    server.requests[0]?.answer(200);
    await pass(0);
    expect(second.calls).toBe(1);
  });

  test("passes over who has left", async () => {
    openLink(true);
    const [gone, here] = [acquire(), acquire()];
    gone.wanted = false;
    server.accept();
    await pass(0);
    expect([gone.connection, here.calls]).toEqual([null, 1]);
  });

  test("closed, refuses who waits and who comes, and finishes what is under way", async () => {
    openLink(true, 1);
    server.accept();
    await pass(0);
    const [running, waiting] = [acquire(), acquire()];
    await pass(0);
    link.close();
    const late = acquire();
    expect([waiting.problem?.code, late.problem?.code])
      .toEqual(["connect.failed", "connect.failed"]);
    server.requests[0]?.answer(200, "done");
    await pass(2_000);
    expect([running.response.body, server.channels[0]?.closed])
      .toEqual(["done", true]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("closed while it connects, gives the connection up", async () => {
    openLink(true);
    link.close();
    server.accept();
    await pass(0);
    expect(server.channels[0]?.closed).toBeTrue();
    expect([link.ready, jest.getTimerCount()]).toEqual([false, 0]);
  });
});
