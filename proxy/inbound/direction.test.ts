import { beforeEach, describe, expect, test } from "bun:test";
import type { Caller } from "../authorize.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Direction, Lane } from "../direction.ts";
import type { Upstream } from "../endpoint.ts";
import { createEarly } from "../http/early.ts";
import type { Lease } from "../http/http1-pool.ts";
import { type RequestHead, ResponseHead } from "../http/message.ts";
import { UNSENT_MARK } from "../http/unsent.ts";
import { createRegistry, type Registry } from "../record.ts";
import { createFamilies } from "../record/families.ts";
import { createNames } from "../record/names.ts";
import { pageOf } from "../record/testing/page.ts";
import { FakeControl } from "../testing/fake-control.ts";
import { requestHead } from "../testing/http1.ts";
import { authorization, serverPolicy } from "../testing/policies.ts";
import { linesOf } from "../testing/recorded-exchange.ts";
import { turn } from "../testing/recorder.ts";
import { DialledServer, TestLease } from "../testing/server-bed.ts";
import { type Authorities, createAuthorities } from "./authorities.ts";
import { createPorts, type Port } from "./ports.ts";
import { createInboundRecorder, type InboundRecorder } from "./recorder.ts";
import { createRequests, type Requests } from "./requests.ts";

const RETAIN_MS = 1_000;
const PERMISSIVE = serverPolicy([authorization(["0.0.0.0/0"])]);
const MESHED_ONLY = serverPolicy([
  authorization(["0.0.0.0/0"], { kind: "tls" }),
]);
const PLAIN: Caller = { ip: "10.0.0.9", tls: null };
const NAMED: Caller = { ip: "10.0.0.9", tls: { id: "api.shop" } };

let registry: Registry;
let recorder: InboundRecorder;
let control: FakeControl;
let port: Port;
/** Who asked the application for a connection, and how. */
let asked: string[];
let released: number;
beforeEach(() => {
  registry = createRegistry({ retainIdleMs: RETAIN_MS });
  recorder = createInboundRecorder(createFamilies(registry));
  control = new FakeControl();
  asked = [];
  released = 0;
  port = createPorts({
    control,
    permanent: [],
    idleMs: 1_000,
    defaultPolicy: () => PERMISSIVE,
  }).take(80);
});

function open(
  caller: Caller,
  early = createEarly(null),
  authorities?: Authorities,
): Requests {
  const ask = (how: string) => () => void asked.push(how);
  return createRequests({
    app: {
      address: { ip: "10.0.0.1", port: 80 },
      http1: {
        acquire: ask("http1"),
        acquireFresh: ask("fresh http1"),
        close() {},
      },
      http2: { ready: true, acquire: ask("http2"), close() {} },
      release: () => void released++,
    },
    port,
    caller,
    connection: {
      target: { ip: "10.0.0.1", port: 80 },
      tls: { kind: "none", reason: "no_tls_from_remote" },
    },
    recorder,
    authorities,
    inFlight: { count: 0, max: 10 },
    early,
    audited() {},
    revoked() {},
  });
}

/** The direction of a request that is permitted. */
function permitted(requests: Requests): Direction {
  const next = requests.next(requestHead("GET", "/", { host: "a" }));
  if ("kind" in next) throw new Error(next.kind);
  return next;
}

function laneOf(direction: Direction): Lane {
  const way = direction.route(requestHead("GET", "/", { host: "a" }));
  if (way instanceof Problem) throw way;
  return way.payload.choose();
}

function upstreamOf(direction: Direction): Upstream {
  const upstream = laneOf(direction).pick();
  if (upstream === null) throw new Error("no upstream");
  return upstream;
}

/** A request as the application gets it. */
function sent(caller: Caller, head: RequestHead): RequestHead {
  const direction = permitted(open(caller));
  return direction.toUpstream(head, upstreamOf(direction));
}

function acquire(direction: Direction, head: RequestHead, fresh = false): void {
  upstreamOf(direction).acquire(head, fresh, new TestLease() as Lease);
}

/** Values of a counter, in the order of the page. */
function values(metric: string): number[] {
  return pageOf(registry, 0).split("\n")
    .filter((line) => line.startsWith(`${metric}{`))
    .map((line) => Number(line.split(" ").at(-1)));
}

describe("createRequests() decides", () => {
  test("by policy, and counts each request", () => {
    const requests = open(PLAIN);
    permitted(requests);
    permitted(requests);
    expect(values("inbound_http_authz_allow_total")).toEqual([2]);
    expect(values("inbound_http_authz_deny_total")).toEqual([]);
    requests.release();
  });

  test("anew when policy has changed, on the same connection", () => {
    const requests = open(PLAIN);
    permitted(requests);
    control.serverPolicies.next(80, MESHED_ONLY);
    const refused = requests.next(requestHead("GET", "/", { host: "a" }));
    expect("kind" in refused && refused.kind).toBe("denied");
    control.serverPolicies.next(80, PERMISSIVE);
    permitted(requests);
    expect(values("inbound_http_authz_allow_total")).toEqual([2]);
    expect(values("inbound_http_authz_deny_total")).toEqual([1]);
    requests.release();
  });

  test("and gives back whatever it took", () => {
    const requests = open(PLAIN);
    laneOf(permitted(requests)).metrics.dispatched(false);
    control.serverPolicies.next(80, MESHED_ONLY);
    requests.next(requestHead("GET", "/", { host: "a" }));
    requests.release();
    expect(released).toBe(1);
    registry.sweep(0);
    const left = pageOf(registry, RETAIN_MS).split("\n");
    expect(left.filter((line) => /^(inbound|request)_/.test(line)))
      .toEqual([]);
  });
});

test("requests are counted by name when that is asked for, a few names only", () => {
  const names = createNames({ overflow() {} }, 2);
  const requests = open(PLAIN, createEarly(null), createAuthorities(names));
  const ask = (head: RequestHead) => {
    const next = requests.next(head);
    if ("kind" in next) throw new Error(next.kind);
    upstreamOf(next).recorder.requests.value += 1;
  };
  for (const host of ["web:80", "WEB:80", "b", "c", "d", "b"]) {
    ask(requestHead("GET", "/", { host }));
  }
  ask(requestHead("GET", "/", { authority: "web:80" }, "2"));
  ask(requestHead("GET", "/", {}));
  const counts = pageOf(registry, 0).split("\n")
    .filter((line) => line.startsWith("request_total{"))
    .map((line) => {
      const [, name = null] = /,authority="([^"]*)",target_addr/.exec(line) ??
        [];
      return [name, Number(line.split(" ").at(-1))];
    });
  expect(counts).toEqual([["web:80", 3], ["b", 2], ["other", 2], [null, 1]]);
  // Policy counts as ever.
  expect(values("inbound_http_authz_allow_total")).toEqual([8]);
  requests.release();
  pageOf(registry, 0);
  expect(pageOf(registry, RETAIN_MS + 1)).not.toContain("request_total");
});

test("requests are not counted by name unless that is asked for", () => {
  const requests = open(PLAIN);
  upstreamOf(permitted(requests)).recorder.requests.value += 1;
  expect(pageOf(registry, 0)).not.toContain("authority=");
  requests.release();
});

describe("a request to the application", () => {
  test("says who called, whatever the client claims", () => {
    const claim = { "l5d-client-id": "admin.shop", x: "y" };
    const head = (version: "1.1" | "2") =>
      requestHead("GET", "/", claim, version);
    for (const version of ["1.1", "2"] as const) {
      expect(linesOf(sent(NAMED, head(version)).fields))
        .toEqual(["x: y", "l5d-client-id: api.shop"]);
      expect(linesOf(sent(PLAIN, head(version)).fields)).toEqual(["x: y"]);
    }
  });

  test("is HTTP/1 again if it was, also when it is sent again", () => {
    const direction = permitted(open(NAMED));
    const head = requestHead("GET", "/", {
      authority: "web.shop",
      "l5d-orig-proto": "HTTP/1.1",
    }, "2");
    for (let time = 0; time < 2; time++) {
      const restored = direction.toUpstream(head, upstreamOf(direction));
      expect([restored.version, restored.host?.text])
        .toEqual(["1.1", "web.shop"]);
      expect(linesOf(restored.fields)).toEqual(["l5d-client-id: api.shop"]);
    }
    acquire(direction, head);
    acquire(direction, head, true);
    expect(asked).toEqual(["http1", "fresh http1"]);
  });

  test("stays HTTP/2 if it was from the start", () => {
    const direction = permitted(open(NAMED));
    acquire(direction, requestHead("GET", "/", { authority: "a" }, "2"));
    expect(asked).toEqual(["http2"]);
  });

  test("goes over the connection that was opened early, once", async () => {
    const server = new DialledServer("http1");
    const requests = open(PLAIN, createEarly(server.open()));
    const head = requestHead("GET", "/", { host: "a" });
    acquire(permitted(requests), head);
    server.accept();
    while (server.requests.length === 0) await turn();
    acquire(permitted(requests), head);
    expect(asked).toEqual(["http1"]);
  });

  test("leaves no early connection open that it did not need", async () => {
    const server = new DialledServer("http1");
    open(PLAIN, createEarly(server.open())).release();
    server.accept();
    while (server.channels[0]?.closed !== true) await turn();
  });
});

describe("a response to the client", () => {
  const answer = (mark: Record<string, string>, status: number) => {
    const direction = permitted(open(PLAIN));
    const head = new ResponseHead("1.1", status, []);
    direction.toClient(head, requestHead("GET", "/", mark, "2"));
    return linesOf(head.fields);
  };

  test("is marked if its request was upgraded, and only then", () => {
    expect(answer({ "l5d-orig-proto": "HTTP/1.1" }, 200))
      .toEqual(["l5d-orig-proto: HTTP/1.1"]);
    expect(answer({}, 200)).toEqual([]);
  });

  test("does not say that nothing was sent, whatever the application says", () => {
    const direction = permitted(open(NAMED));
    const head = new ResponseHead("1.1", 502, [UNSENT_MARK]);
    direction.toClient(head, requestHead("GET", "/", {}, "2"));
    expect(head.fields).toEqual([]);
    expect(
      [NAMED, PLAIN].map((who) => permitted(open(who)).tellsUnsent),
    ).toEqual([true, false]);
  });

  test("shows that the application speaks HTTP", () => {
    answer({}, 502);
    expect(port.habits.speaksHttp).toBeFalse();
    answer({}, 200);
    expect(port.habits.speaksHttp).toBeTrue();
  });

  test("explains failures only to those who proved who they are", () => {
    const unnamed: Caller = { ip: "10.0.0.9", tls: { id: null } };
    expect(
      [NAMED, unnamed, PLAIN].map((caller) =>
        permitted(open(caller)).informational
      ),
    ).toEqual([true, false, false]);
  });
});
