import { describe, expect, test } from "bun:test";
import type { InboundHttpRoute, ServerProtocol } from "../../schemas/policy.ts";
import { requestHead } from "../testing/http1.ts";
import { serverPolicy } from "../testing/policies.ts";
import { createInboundTable } from "./inbound-routes.ts";

/** Name and place of the route that a request has under a protocol. */
function routeOf(
  protocol: ServerProtocol,
  path = "/a",
  method = "GET",
): string | null {
  const table = createInboundTable({ ...serverPolicy([]), protocol });
  const claim = table.find(requestHead(method, path, {}));
  if (claim === null) return null;
  const { meta: { kind, name }, index } = claim.payload.route;
  return `${kind}/${name} ${index}`;
}

const ROUTE: InboundHttpRoute = {
  meta: { kind: "default", name: "probe" },
  hosts: [],
  authorizations: [],
  rules: [{ matches: [], filters: [] }],
};

describe("a port's requests", () => {
  test("have the default route when its policy names none", () => {
    const timeoutMs = 1_000;
    expect(routeOf({ kind: "detect", timeoutMs })).toBe("default/default 0");
    for (const kind of ["http1", "http2", "grpc", "opaque", "tls"] as const) {
      expect(routeOf({ kind })).toBe("default/default 0");
    }
  });

  test("have those that it names, and no other", () => {
    const first = { ...ROUTE, rules: [] };
    expect(routeOf({ kind: "http1", routes: [] })).toBeNull();
    expect(routeOf({ kind: "http1", routes: [first] })).toBeNull();
    expect(routeOf({ kind: "http2", routes: [first, ROUTE] }))
      .toBe("default/probe 1");
  });

  test("have a gRPC route only if they are calls", () => {
    const protocol = {
      kind: "grpc",
      routes: [{ ...ROUTE, rules: [{ matches: [], filters: [] }] }],
    } as const;
    expect(routeOf(protocol, "/a.B/Get", "POST")).toBe("default/probe 0");
    expect(routeOf(protocol, "/a.B/Get")).toBeNull();
    expect(routeOf(protocol, "/a", "POST")).toBeNull();
  });
});
