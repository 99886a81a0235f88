import { beforeEach, describe, expect, test } from "bun:test";
import type { Waiter } from "../balance/failfast.ts";
import { PeakEwma } from "../balance/peak-ewma.ts";
import type { Direction, Lane } from "../direction.ts";
import type { Upstream } from "../endpoint.ts";
import { ONCE } from "../forward/terms.ts";
import { createEarly } from "../http/early.ts";
import { Field } from "../http/field.ts";
import { type RequestHead, ResponseHead } from "../http/message.ts";
import { UNSENT_MARK } from "../http/unsent.ts";
import { classify } from "../record/classify.ts";
import { createRegistry } from "../record.ts";
import { createFamilies } from "../record/families.ts";
import { HttpRecorder } from "../record/http.ts";
import { peerAt } from "../testing/endpoints.ts";
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
/** Who is at the address that was reached. */
let there: Upstream | null;
let waiting: Waiter<Upstream>[];
let direction: Direction;
beforeEach(() => {
  habits = { speaksFirst: false, speaksHttp: false };
  ready = there = null;
  waiting = [];
  const lane: Lane = {
    place: "",
    closed: false,
    ready: true,
    filters: null,
    pick: () => ready,
    at: () => there,
    wait: (waiter: Waiter<Upstream>) => void waiting.push(waiter),
    withdraw: (waiter: Waiter<Upstream>) =>
      void (waiting = waiting.filter((one) => one !== waiter)),
    metrics: { dispatched() {}, responseFrame() {}, ended() {} },
  };
  const payload = {
    labels: null,
    choose: () => lane,
    filters: null,
    terms: () => ONCE,
    judge: classify,
    metrics: () => ({ requestFrame() {}, finished() {}, retried() {} }),
  };
  const target = {
    name: "10.96.0.7:80",
    route: () => ({ payload, path: { kind: "any" } as const }),
    routeTcp: () => {
      throw new Error("not HTTP");
    },
    policy: null,
    profiled: false,
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
function endpoint(
  id: string | null,
  upgrades = false,
  authorityOverride: string | null = null,
) {
  const asked: RequestHead[] = [];
  const upstream: Upstream = {
    endpoint: {
      identity: id === null ? null : { id, kind: "dns", serverName: id },
      authorityOverride,
    },
    peer: peerAt("10.0.0.1"),
    load: new PeakEwma(30, 10_000, 0),
    recorder: new HttpRecorder(families.http, ""),
    ready: true,
    upgrades: (head) => upgrades && !head.upgrade,
    acquire: (head) => void asked.push(head),
    outcome: () => false,
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

  test.each(
    [
      ["1.1", false, false, [null, "far:80"]],
      ["1.1", false, true, [null, "far:80"]],
      ["1.1", true, false, ["far:80", "far:80"]],
      ["2", false, false, ["far:80", null]],
    ] as const,
  )(
    "of a gateway is for what is behind that (%s, absolute %p, upgraded %p)",
    (version, absolute, upgrades, expected) => {
      const host = { host: "a", authority: "a" };
      const head = requestHead("GET", "/", {
        ...host,
        "l5d-dst-canonical": "a",
        x: "y",
      }, version);
      head.absolute = absolute;
      const { upstream } = endpoint("gateway", upgrades, "far:80");
      const sent = direction.toUpstream(head, upstream);
      expect([sent.authority?.text ?? null, sent.host?.text ?? null])
        .toEqual([...expected]);
      expect(linesOf(sent.fields)).toEqual([
        "x: y",
        ...upgrades ? ["l5d-orig-proto: HTTP/1.1"] : [],
      ]);
      const elsewhere = direction.toUpstream(head, endpoint(null).upstream);
      expect([elsewhere.authority?.text, elsewhere.host?.text])
        .toEqual(["a", "a"]);
    },
  );

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
      UNSENT_MARK,
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
  const reached = () => ({ ip: "10.0.0.1", port: 80 });

  /** Asks for an upstream as a request does; tells what it was given, or refused with. */
  function ask(pinned: Direction) {
    const way = pinned.route(head);
    if (way instanceof Problem) throw way;
    const lane = way.payload.choose();
    const answer: { upstream: Upstream | null; problem: Problem | null } = {
      upstream: lane.pick(),
      problem: null,
    };
    const waiter: Waiter<Upstream> = {
      use: (upstream) => void (answer.upstream = upstream),
      refuse: (problem) => void (answer.problem = problem),
    };
    if (answer.upstream === null) lane.wait(waiter);
    return { answer, waiter, lane };
  }

  test("sends the first request over the early connection, not upgraded", async () => {
    const server = new DialledServer("http1");
    const early = createEarly(server.open());
    const { upstream, asked } = endpoint("web.shop", true);
    const { upstream: balanced } = endpoint(null, true);
    there = upstream;
    ready = balanced;
    const pinned = pinFirst(direction, early, reached);
    const { answer } = ask(pinned);
    expect(answer.upstream).toBeNull();
    server.accept();
    while (answer.upstream === null) await turn();
    const first: Upstream = answer.upstream;
    // Held against and counted for the endpoint that it goes to, not for one that would have been next.
    expect([first.endpoint, first.recorder, first.load])
      .toEqual([upstream.endpoint, upstream.recorder, upstream.load]);
    const required = requestHead("GET", "/", { "l5d-require-id": "web.shop" });
    expect(linesOf(pinned.toUpstream(required, first).fields)).toEqual([]);
    const lease = new TestLease();
    first.acquire(head, false, lease);
    while (server.requests.length === 0) await turn();
    expect([lease.calls, asked.length]).toEqual([1, 0]);
    expect(ask(pinned).answer.upstream).toBe(balanced);
  });

  test("goes the usual way when the early connection has come to nothing", async () => {
    const server = new DialledServer("http1");
    const early = createEarly(server.open());
    const pinned = pinFirst(direction, early, () => null);
    const { waiter } = ask(pinned);
    server.refuse();
    while (waiting.length === 0) await turn();
    expect(waiting).toEqual([waiter]);
  });

  test("gives the connection up when its endpoint takes no requests", async () => {
    const server = new DialledServer("http1");
    const early = createEarly(server.open());
    const pinned = pinFirst(direction, early, reached);
    const { waiter } = ask(pinned);
    server.accept();
    while (waiting.length === 0) await turn();
    expect([waiting, server.channels[0]?.closed]).toEqual([[waiter], true]);
  });

  test("closes it when the request has left", async () => {
    const server = new DialledServer("http1");
    const early = createEarly(server.open());
    there = endpoint(null).upstream;
    const { answer, waiter, lane } = ask(pinFirst(direction, early, reached));
    lane.withdraw(waiter);
    server.accept();
    while (server.channels[0]?.closed !== true) await turn();
    expect([answer.upstream, waiting]).toEqual([null, []]);
  });

  test("waits, withdraws and is refused as usual when nothing was opened", () => {
    const pinned = pinFirst(direction, createEarly(null), () => null);
    const { waiter, answer, lane } = ask(pinned);
    expect(waiting).toEqual([waiter]);
    lane.withdraw(waiter);
    expect(waiting).toEqual([]);
    lane.wait(waiter);
    waiting[0]?.refuse(new Problem("failfast", "none"));
    expect(answer.problem?.code).toBe("failfast");
  });
});
