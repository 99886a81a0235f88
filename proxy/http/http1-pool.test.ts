import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { pass } from "../testing/control-bed.ts";
import { requestHead } from "../testing/http1.ts";
import { DialledServer, TestLease } from "../testing/server-bed.ts";
import { createHttp1Pool, type Http1Pool } from "./http1-pool.ts";

const IDLE_MS = 3_000;

beforeEach(() => {
  jest.useFakeTimers();
  server = new DialledServer("http1");
  pool = createHttp1Pool(server.open, { maxIdle: 2, idleMs: IDLE_MS });
});
afterEach(() => {
  pool.close();
  jest.useRealTimers();
});

let server: DialledServer;
let pool: Http1Pool;

function acquire(lease = new TestLease()): TestLease {
  pool.acquire(lease);
  return lease;
}

/** A request that has been answered, on a connection made for it or reused. */
async function exchange(): Promise<TestLease> {
  const lease = acquire();
  if (server.dials.length > 0) server.accept();
  await pass(0);
  server.requests.at(-1)?.answer(200);
  await pass(0);
  return lease;
}

describe("createHttp1Pool()", () => {
  test("makes a connection when none is idle, and uses it again", async () => {
    const first = await exchange();
    const second = await exchange();
    expect([first.reused, second.reused]).toEqual([false, true]);
    expect(second.connection).toBe(first.connection);
    expect(server.channels.length).toBe(1);
  });

  test("gives one connection to one request at a time", async () => {
    const [one, two] = [acquire(), acquire()];
    server.accept();
    server.accept();
    await pass(0);
    expect(one.connection).not.toBe(two.connection);
  });

  test("uses the one used last, so that the others may age", async () => {
    const [one, two] = [acquire(), acquire()];
    server.accept();
    server.accept();
    await pass(0);
    server.requests[0]?.answer(200);
    server.requests[1]?.answer(200);
    await pass(0);
    expect(acquire().connection).toBe(two.connection);
    expect(acquire().connection).toBe(one.connection);
  });

  test("keeps no more idle ones than it may", async () => {
    const leases = [acquire(), acquire(), acquire()];
    for (const _ of leases) server.accept();
    await pass(0);
    for (const request of server.requests) request.answer(200);
    await pass(0);
    expect(leases.map(({ connection }) => connection?.closed))
      .toEqual([false, false, true]);
  });

  test("ends an idle connection after its time, with a FIN", async () => {
    const { connection } = await exchange();
    await pass(IDLE_MS - 50);
    expect(connection?.closed).toBeFalse();
    await pass(50);
    expect([connection?.closed, server.channels[0]?.closed])
      .toEqual([true, true]);
    expect((await exchange()).reused).toBeFalse();
  });

  test("counts idle time anew after each request", async () => {
    const { connection } = await exchange();
    await pass(IDLE_MS - 500);
    await exchange();
    await pass(IDLE_MS - 500);
    expect(connection?.closed).toBeFalse();
    await pass(500);
    expect(connection?.closed).toBeTrue();
  });

  test("forgets a connection that its server closes", async () => {
    await exchange();
    server.channels[0]?.end();
    await pass(0);
    expect((await exchange()).reused).toBeFalse();
  });

  test("dials when asked for a fresh one, whatever is idle", async () => {
    await exchange();
    const fresh = new TestLease();
    pool.acquireFresh(fresh);
    server.accept();
    await pass(0);
    expect([fresh.reused, server.channels.length]).toEqual([false, 2]);
  });

  test("refuses once when nobody answers", async () => {
    const lease = acquire();
    server.refuse();
    await pass(0);
    expect([lease.calls, lease.problem?.message]).toEqual([1, "refused"]);
  });

  test("refuses when the server closes at once", async () => {
    const lease = acquire();
    server.acceptAndClose();
    await pass(0);
    expect([lease.calls, lease.problem?.code]).toEqual([1, "connect.failed"]);
  });

  test("keeps a connection whose lease has left for the next", async () => {
    const left = acquire();
    left.wanted = false;
    server.accept();
    await pass(0);
    const leaving = new TestLease();
    leaving.wanted = false;
    acquire(leaving);
    expect([leaving.calls, acquire().reused]).toEqual([1, true]);
  });

  test("keeps no connection that has carried HTTP/1.0", async () => {
    const head = requestHead("GET", "/", { host: "a" }, "1.0");
    acquire(new TestLease(head));
    server.accept();
    await pass(0);
    server.requests[0]?.answer(200);
    await pass(0);
    expect(acquire().calls).toBe(0);
  });

  test("closed, ends what is idle at once and the rest when it is done", async () => {
    const busy = acquire();
    server.accept();
    await pass(0);
    const { connection } = await exchange();
    pool.close();
    await pass(0);
    expect([connection?.closed, busy.connection?.closed])
      .toEqual([true, false]);
    server.requests[0]?.answer(200, "done");
    await pass(0);
    expect(busy.response.body).toBe("done");
    expect(busy.connection?.closed).toBeTrue();
    await pass(0);
    expect(jest.getTimerCount()).toBe(0);
  });
});
