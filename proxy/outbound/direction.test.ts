import { beforeEach, describe, expect, test } from "bun:test";
import type { Waiter } from "../balance/failfast.ts";
import { PeakEwma } from "../balance/peak-ewma.ts";
import type { Direction } from "../direction.ts";
import type { Upstream } from "../endpoint.ts";
import { createEarly } from "../http/early.ts";
import { Field } from "../http/field.ts";
import { type RequestHead, ResponseHead } from "../http/message.ts";
import { createRegistry } from "../record.ts";
import { createFamilies } from "../record/families.ts";
import { HttpRecorder } from "../record/http.ts";
import { requestHead } from "../testing/http1.ts";
import { linesOf } from "../testing/recorded-exchange.ts";
import { turn } from "../testing/recorder.ts";
import { DialledServer, TestLease } from "../testing/server-bed.ts";
import { Problem } from "../../schemas/problem.ts";
import { createDirection, pinFirst } from "./direction.ts";
import { createOutboundRecorder } from "./recorder.ts";

const families = createFamilies(createRegistry({ retainIdleMs: 1_000 }));
const recorder = createOutboundRecorder(families);

let habits: { speaksFirst: boolean; speaksHttp: boolean };
let ready: Upstream | null;
let waiting: Waiter<Upstream>[];
let direction: Direction;
beforeEach(() => {
  habits = { speaksFirst: false, speaksHttp: false };
  ready = null;
  waiting = [];
  const upstreams = {
    pick: () => ready,
    wait: (waiter: Waiter<Upstream>) => void waiting.push(waiter),
    withdraw: (waiter: Waiter<Upstream>) =>
      void (waiting = waiting.filter((one) => one !== waiter)),
    close() {},
  };
  const target = {
    address: { ip: "10.96.0.7", port: 80 },
    http: () => upstreams,
    tcp: () => {
      throw new Error("not HTTP");
    },
    policy: null,
    ready: () => () => {},
    recorder: recorder.target({ ip: "10.96.0.7", port: 80 }),
    habits,
    release() {},
  };
  direction = createDirection(target, {
    informational: true,
    inFlight: { count: 0, max: 10 },
    recorder,
  });
});

/** An endpoint of this identity; remembers who asks it for a connection. */
function endpoint(id: string | null, upgrades = false) {
  const asked: RequestHead[] = [];
  const upstream: Upstream = {
    endpoint: {
      identity: id === null ? null : { id, kind: "dns", serverName: id },
    },
    load: new PeakEwma(30, 10_000, 0),
    recorder: new HttpRecorder(families.http, ""),
    ready: true,
    upgrades: (head) => upgrades && !head.upgrade,
    acquire: (head) => void asked.push(head),
    close() {},
  };
  return { upstream, asked };
}

describe("a request to an endpoint", () => {
  test("is marked when the endpoint takes it as HTTP/2, and only then", () => {
    const head = requestHead("GET", "/", { host: "a" });
    const upgraded = direction.toUpstream(head, endpoint(null, true).upstream);
    expect(linesOf(upgraded.fields)).toEqual(["l5d-orig-proto: HTTP/1.1"]);
    const kept = direction.toUpstream(head, endpoint(null).upstream);
    expect(linesOf(kept.fields)).toEqual([]);
  });

  test("that requires an identity goes to that one, the field taken out", () => {
    const head = requestHead("GET", "/", { "l5d-require-id": "web.shop" });
    const sent = direction.toUpstream(head, endpoint("web.shop").upstream);
    expect(linesOf(sent.fields)).toEqual([]);
  });

  test.each([["api.shop", "api.shop"], [null, "none"]])(
    "that requires another identity than %p is refused, each time",
    (id, found) => {
      const head = requestHead("GET", "/", { "l5d-require-id": "web.shop" });
      direction.toUpstream(head, endpoint("web.shop").upstream);
      expect(() => direction.toUpstream(head, endpoint(id).upstream))
        .toThrow(`required id web.shop; found ${found}`);
    },
  );
});

describe("a response to the application", () => {
  const answer = (status: number) => {
    const head = new ResponseHead("2", status, [
      Field.of("l5d-orig-proto", "HTTP/1.1"),
      Field.of("x", "y"),
      Field.of("l5d-proxy-error", "secret"),
      Field.of("l5d-proxy-connection", "close"),
    ]);
    direction.toClient(head, requestHead("GET", "/"));
    return linesOf(head.fields);
  };

  test("carries nothing that proxies say to each other", () => {
    expect(answer(200)).toEqual(["x: y"]);
  });

  test("shows that the server speaks HTTP, unless it may be a proxy's", () => {
    answer(503);
    expect(habits.speaksHttp).toBeFalse();
    answer(404);
    expect(habits.speaksHttp).toBeTrue();
  });
});

describe("pinFirst()", () => {
  const head = requestHead("GET", "/", { host: "a" });

  test("sends the first request over the early connection, not upgraded", async () => {
    const server = new DialledServer("http1");
    const pinned = pinFirst(direction, createEarly(server.open()));
    const { upstream, asked } = endpoint(null, true);
    ready = upstream;
    const first = pinned.pick();
    if (first === null) throw new Error("nothing picked");
    expect(linesOf(pinned.toUpstream(head, first).fields)).toEqual([]);
    const lease = new TestLease();
    first.acquire(head, false, lease);
    server.accept();
    while (server.requests.length === 0) await turn();
    expect([lease.calls, asked.length]).toEqual([1, 0]);
    expect(pinned.pick()).toBe(upstream);
  });

  test("goes the usual way when the early connection has come to nothing", async () => {
    const server = new DialledServer("http1");
    const pinned = pinFirst(direction, createEarly(server.open()));
    const { upstream, asked } = endpoint(null);
    ready = upstream;
    const lease = new TestLease();
    pinned.pick()?.acquire(head, false, lease);
    server.refuse();
    while (asked.length === 0) await turn();
    expect(lease.calls).toBe(0);
  });

  test("waits as it would have, and pins who is first served", () => {
    const pinned = pinFirst(direction, createEarly(null));
    const served: Upstream[] = [];
    const waiter = {
      use: (upstream: Upstream) => void served.push(upstream),
      refuse() {},
    };
    const { upstream } = endpoint(null);
    pinned.wait(waiter);
    pinned.wait(waiter);
    for (const one of waiting) one.use(upstream);
    expect(served.map((one) => one === upstream)).toEqual([false, true]);
  });

  test("withdraws, and passes refusals on", () => {
    const pinned = pinFirst(direction, createEarly(null));
    const problems: Problem[] = [];
    const waiter = {
      use() {},
      refuse: (problem: Problem) => void problems.push(problem),
    };
    pinned.wait(waiter);
    pinned.withdraw(waiter);
    expect(waiting).toEqual([]);
    pinned.wait(waiter);
    waiting[0]?.refuse(new Problem("failfast", "none"));
    expect(problems.length).toBe(1);
  });
});
