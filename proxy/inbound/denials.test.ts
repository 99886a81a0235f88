import { expect, test } from "bun:test";
import type { ServerPolicy } from "../../schemas/policy.ts";
import type { Caller } from "../authorize.ts";
import { enforce } from "../policy/enforcement.ts";
import type { Route } from "../policy/inbound-routes.ts";
import { requestHead } from "../testing/http1.ts";
import { createTestLog } from "../testing/log.ts";
import { authorization, serverPolicy } from "../testing/policies.ts";
import type { Connection } from "./connection.ts";
import { createDenials } from "./denials.ts";

const PLAIN: Caller = { ip: "10.0.0.9", tls: null };
const ANYWHERE = ["0.0.0.0/0"];
const WEB = {
  ...authorization(["0.0.0.0/0", "::/0"], {
    kind: "identities",
    identities: new Set(["web.shop"]),
    suffixes: [],
  }),
  meta: {
    group: "policy.linkerd.io",
    kind: "authorizationpolicy",
    name: "web",
  },
};
const ROUTE: Route = {
  index: 0,
  meta: { group: "policy.linkerd.io", kind: "HTTPRoute", name: "admin" },
  authorizations: [WEB],
};

function connectionOf(policy: ServerPolicy, caller: Caller): Connection {
  return {
    socket: { remote: { ip: caller.ip, port: 5_000 } },
    address: { ip: "10.0.0.1", port: 80 },
    port: { policy, enforcement: enforce(policy, null) },
    caller,
  } as unknown as Connection;
}

/** The line that a denial of a request on the route leaves. */
function lineOf(
  policy: ServerPolicy,
  caller: Caller,
  by: "authorization" | "reading" | "unknown" = "authorization",
): string {
  const { log, lines } = createTestLog();
  createDenials(log).request(
    connectionOf(policy, caller),
    requestHead("GET", "/admin?token=x", { host: "web" }),
    { kind: "denied", route: ROUTE, by },
  );
  return lines.join("\n");
}

test("a line says who asked, for what, and what each authorization asks for", () => {
  const line = lineOf(
    serverPolicy([
      authorization(["192.0.2.0/24"]),
      authorization(ANYWHERE, { kind: "tls" }),
    ]),
    PLAIN,
  );
  for (
    const part of [
      "Request denied",
      "10.0.0.9:5000",
      "not meshed",
      "Server test",
      "HTTPRoute admin",
      "/admin",
      "of HTTPRoute admin or Server test permits it",
      "authorizationpolicy web asks for mutual TLS",
      "default 192.0.2.0/24 does not name its network",
    ]
  ) expect(line).toContain(part);
  expect(line).not.toContain("token");
});

test("what is missing depends on the caller and the policy", () => {
  const named = (id: string | null): Caller => ({
    ip: "10.0.0.9",
    tls: { id },
  });
  expect(lineOf(serverPolicy([]), named("api.shop")))
    .toContain("authorizationpolicy web does not name its identity");
  expect(lineOf(serverPolicy([]), named(null)))
    .toContain("authorizationpolicy web asks for a client certificate");
  expect(lineOf(serverPolicy([]), named("web.shop"), "reading"))
    .toContain("may be read as one that another route denies");
  expect(lineOf(serverPolicy([]), named("web.shop"), "unknown"))
    .toContain("not understood by this proxy");
  const many = Array.from({ length: 9 }, () => authorization(["192.0.2.0/24"]));
  expect(lineOf(serverPolicy(many), PLAIN)).toContain("and 7 more");
});

test("connections are told apart: nothing permits them, or their port takes requests only", () => {
  const line = (policy: ServerPolicy): string => {
    const { log, lines } = createTestLog();
    createDenials(log).connection(connectionOf(policy, PLAIN));
    return lines.join();
  };
  expect(line(serverPolicy([])))
    .toContain("no authorization is there for Server test");
  expect(line(serverPolicy([authorization(ANYWHERE)], "http1")))
    .toContain("Server test takes http1 requests only");
});

test("however many are denied, few lines are written for each port", () => {
  const { log, lines } = createTestLog();
  const denials = createDenials(log);
  const head = requestHead("GET", "/", {});
  for (let count = 0; count < 1_000; count++) {
    denials.request(connectionOf(serverPolicy([]), PLAIN), head, {
      kind: "no-route",
    });
  }
  expect(lines.length).toBeLessThan(20);
});
