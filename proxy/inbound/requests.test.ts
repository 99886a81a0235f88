import { beforeEach, describe, expect, test } from "bun:test";
import type {
  InboundHttpRoute,
  RateLimit,
  ServerPolicy,
} from "../../schemas/policy.ts";
import type { HttpMatch, PathMatch } from "../../schemas/route.ts";
import type { Caller } from "../authorize.ts";
import { createEarly } from "../http/early.ts";
import type { RequestHead } from "../http/message.ts";
import { createRegistry, type Registry } from "../record.ts";
import { createFamilies } from "../record/families.ts";
import { pageOf } from "../record/testing/page.ts";
import { FakeControl } from "../testing/fake-control.ts";
import { requestHead, upgradeHead } from "../testing/http1.ts";
import { authorization, serverPolicy } from "../testing/policies.ts";
import type { App } from "./apps.ts";
import { createPorts, type Port } from "./ports.ts";
import { createInboundRecorder, type InboundRecorder } from "./recorder.ts";
import { createRequests, type Requests } from "./requests.ts";

const CALLER: Caller = { ip: "10.0.0.9", tls: { id: "api.shop" } };
const EVERYBODY = authorization(["0.0.0.0/0"]);
const NOBODY_HERE = authorization(["192.0.2.0/24"]);
const LIMIT: RateLimit = {
  meta: { kind: "default", name: "limit" },
  totalPerSecond: 2,
  identityPerSecond: null,
  overrides: [],
};

let registry: Registry;
let recorder: InboundRecorder;
let control: FakeControl;
let port: Port;
let audited: string[];
let revoked: number;
beforeEach(() => {
  registry = createRegistry({ retainIdleMs: 1_000 });
  recorder = createInboundRecorder(createFamilies(registry));
  control = new FakeControl();
  audited = [];
  revoked = 0;
  port = createPorts({
    control,
    permanent: [],
    idleMs: 1_000,
    defaultPolicy: () => serverPolicy([EVERYBODY]),
  }).take(80);
});

function open(caller = CALLER): Requests {
  return createRequests({
    app: { release() {} } as App,
    port,
    caller,
    connection: {
      target: { ip: "10.0.0.1", port: 80 },
      tls: { kind: "accepted", clientId: "api.shop" },
    },
    recorder,
    inFlight: { count: 0, max: 10 },
    early: createEarly(null),
    audited: (head, route) =>
      void audited.push(`${head.path.text} ${route.meta.name}`),
    revoked: () => void revoked++,
  });
}

function ask(requests: Requests, head: RequestHead | string): string {
  const request = typeof head === "string"
    ? requestHead("GET", head, { host: "web" })
    : head;
  const next = requests.next(request);
  return "kind" in next ? next.kind : "forwarded";
}

const match = (path: PathMatch): HttpMatch => ({
  path,
  headers: [],
  queryParams: [],
  method: null,
});

function route(
  path: string,
  authorizations: InboundHttpRoute["authorizations"],
  kind: "prefix" | "exact" = "prefix",
): InboundHttpRoute {
  return {
    meta: { kind: "default", name: path },
    hosts: [],
    authorizations,
    rules: [{ matches: [match({ kind, path })], filters: [] }],
  };
}

function publish(
  routes: readonly InboundHttpRoute[],
  more: {
    readonly authorizations?: ServerPolicy["authorizations"];
    readonly rateLimit?: RateLimit;
  } = {},
): void {
  const { authorizations = [], ...rest } = more;
  control.serverPolicies.next(80, {
    ...serverPolicy(authorizations),
    protocol: { kind: "http1", routes, ...rest },
  });
}

/** Series of a counter as `labels value`. */
function lines(metric: string): string[] {
  return pageOf(registry, 0).split("\n")
    .filter((line) => line.startsWith(`${metric}{`));
}

describe("requests are judged", () => {
  test("by the authorizations of their route and of the Server", () => {
    publish([
      route("/open", [EVERYBODY]),
      route("/shut", [NOBODY_HERE]),
      route("/bare", []),
    ]);
    const requests = open();
    expect(
      ["/open", "/shut", "/bare", "/none"].map((path) => ask(requests, path)),
    ).toEqual(["forwarded", "denied", "denied", "no-route"]);
    publish([route("/shut", [NOBODY_HERE]), route("/bare", [])], {
      authorizations: [EVERYBODY],
    });
    expect(["/shut", "/bare", "/none"].map((path) => ask(requests, path)))
      .toEqual(["forwarded", "forwarded", "no-route"]);
    requests.release();
    const counted = [
      ...lines("inbound_http_authz_allow_total"),
      ...lines("inbound_http_authz_deny_total"),
    ].map((line) => /route_name="([^"]*)".* (\d+)$/.exec(line)?.slice(1));
    expect(counted).toEqual([
      ["/open", "1"],
      ["/shut", "1"],
      ["/bare", "1"],
      ["/shut", "1"],
      ["/bare", "1"],
    ]);
    expect(lines("inbound_http_route_not_found_total")[0]).toEndWith(" 2");
  });

  test("under every reading, when only their route permits them", () => {
    const routes = [route("/open", [EVERYBODY]), route("/admin", [])];
    publish([...routes, route("/", [EVERYBODY])]);
    const requests = open();
    const tricks = ["/open/%2e%2e/admin", "//admin", "/%61dmin", "/admin;x"];
    for (const path of tricks) {
      expect({ path, is: ask(requests, path) }).toEqual({ path, is: "denied" });
    }
    expect(ask(requests, "/open//x;y")).toBe("forwarded");
    publish(routes);
    // What no route takes is as closed as what one denies.
    expect(ask(requests, "/open/../x")).toBe("denied");
    publish([...routes, route("/a%2Fb", [EVERYBODY], "exact")]);
    expect(ask(requests, "/a%2Fb")).toBe("forwarded");
    publish([route("/admin", []), route("/", [])], {
      authorizations: [EVERYBODY],
    });
    expect(tricks.map((path) => ask(requests, path)))
      .toEqual(tricks.map(() => "forwarded"));
  });

  test("as denied when a rule might mean them that nobody understands", () => {
    publish([
      {
        ...route("/", [EVERYBODY]),
        rules: [{
          matches: [match({ kind: "regex", pattern: "/a(?=b)" })],
          filters: [],
        }],
      },
      route("/open", [EVERYBODY], "exact"),
    ], { authorizations: [EVERYBODY] });
    const requests = open();
    expect(ask(requests, "/b")).toBe("denied");
    expect(requests.next(requestHead("GET", "/b", {}))).toMatchObject({
      by: "unknown",
    });
    expect(ask(requests, "/open")).toBe("forwarded");
  });

  test("by filters before limits, and changed by them once", () => {
    const filters = [{
      kind: "request-headers",
      add: [["x", "1"]],
      set: [],
      remove: [],
    }] as const;
    const failure = {
      kind: "failure",
      status: 418,
      message: "no",
      ratio: { numerator: 1, denominator: 1 },
    } as const;
    publish([
      { ...route("/", [EVERYBODY]), rules: [{ matches: [], filters }] },
      {
        ...route("/fail", [EVERYBODY]),
        rules: [{
          matches: [match({ kind: "prefix", path: "/fail" })],
          filters: [failure],
        }],
      },
    ], { rateLimit: LIMIT });
    const requests = open();
    const head = requestHead("GET", "/", { host: "web" });
    expect(ask(requests, head)).toBe("forwarded");
    expect(head.fields.map(({ text }) => text)).toEqual(["1"]);
    expect(ask(requests, "/fail")).toBe("filtered");
    expect(["/", "/"].map((path) => ask(requests, path)))
      .toEqual(["forwarded", "limited"]);
    expect(lines("inbound_http_local_ratelimit_total")[0])
      .toContain(`ratelimit_scope="total"`);
  });

  test("by a limit whose counts outlive other changes of policy", () => {
    const routes = [route("/", [EVERYBODY])];
    publish(routes, { rateLimit: LIMIT });
    const requests = open();
    expect(["/", "/", "/"].map((path) => ask(requests, path)))
      .toEqual(["forwarded", "forwarded", "limited"]);
    publish([...routes, route("/b", [])], { rateLimit: { ...LIMIT } });
    expect(ask(requests, "/")).toBe("limited");
    publish(routes, { rateLimit: { ...LIMIT, totalPerSecond: 3 } });
    expect(ask(requests, "/")).toBe("forwarded");
  });

  test("in audit mode as permitted, which is said", () => {
    const audit = {
      ...EVERYBODY,
      meta: { group: "", kind: "default", name: "audit" },
    };
    publish([route("/", [])], { authorizations: [audit] });
    const requests = open();
    expect(ask(requests, "/a")).toBe("forwarded");
    expect(audited).toEqual(["/a /"]);
  });
});

test("a tunnel ends when its request would be denied, and not before", () => {
  publish([route("/", [EVERYBODY])]);
  const requests = open();
  expect(ask(requests, upgradeHead())).toBe("forwarded");
  publish([route("/", [EVERYBODY]), route("/b", [])]);
  expect(revoked).toBe(0);
  publish([route("/", [NOBODY_HERE])]);
  expect(revoked).toBe(1);
  expect(lines("inbound_tcp_authz_terminate_total")[0]).toEndWith(" 1");
  requests.release();
  publish([route("/", [])]);
  expect(revoked).toBe(1);
});
