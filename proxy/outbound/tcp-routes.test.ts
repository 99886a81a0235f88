import { expect, test } from "bun:test";
import type { TcpFilter, TlsRoute } from "../../schemas/client-policy.ts";
import { Problem } from "../../schemas/problem.ts";
import { backendOf, opaqueRoute, weighted } from "../testing/policies.ts";
import { refuseAll } from "./backend.ts";
import { createBackends } from "./backends.ts";
import { openOpaqueRoute, openTlsRoutes, type TcpWay } from "./tcp-routes.ts";
import type { TcpUpstream } from "./tcp-upstream.ts";

const META = { kind: "default", name: "test" } as const;
/** Backends that refuse with their name. */
const OPTIONS = {
  backends: createBackends<TcpUpstream>((backend) =>
    refuseAll(
      new Problem(
        "failfast",
        backend.meta.kind === "default" ? backend.meta.name : "",
      ),
    )
  ),
  random: () => 0,
};

/** What a connection is refused with. */
function refusalOf(way: TcpWay): Problem {
  let refusal: Problem | null = null;
  way.choose().wait({
    use() {},
    refuse: (problem) => void (refusal = problem),
  });
  if (refusal === null) throw new Error("not refused");
  return refusal;
}

function routeTo(name: string, snis: TlsRoute["snis"]): TlsRoute {
  return { ...opaqueRoute(weighted([backendOf(`${name}.`), 1])), snis };
}

test("TLS goes by the most exact of the names that routes ask for", () => {
  const routes = openTlsRoutes(
    [
      routeTo("any", []),
      routeTo("suffix", [{ kind: "suffix", suffix: ".example.org" }]),
      routeTo("longer", [{ kind: "suffix", suffix: ".db.example.org" }]),
      routeTo("exact", [{ kind: "exact", host: "A.db.example.org" }]),
      routeTo("later", [{ kind: "exact", host: "a.db.example.org" }]),
    ],
    META,
    OPTIONS,
  );
  const at = (sni: string) => refusalOf(routes.find(sni)).message;
  expect([
    at("a.db.example.org"),
    at("b.DB.example.org"),
    at("db.example.org"),
    at("example.org"),
    at("b.a.example.org"),
  ]).toEqual(["exact", "longer", "suffix", "any", "suffix"]);
  routes.release();
});

test("TLS that no route is for is refused", () => {
  const routes = openTlsRoutes([], META, OPTIONS);
  expect(refusalOf(routes.find("a")).message)
    .toBe("default test has no route for this connection");
});

test.each<readonly [TcpFilter, string, string]>([
  [{ kind: "forbidden" }, "forbidden", "forbidden"],
  [{ kind: "invalid", message: "no" }, "manifest.invalid", "backend.missing"],
])(
  "bytes are refused by a filter of the rule, and of a backend: %p",
  (filter, ofRule, ofBackend) => {
    const backends = weighted([backendOf("db."), 1]);
    const rule = {
      filters: [filter],
      backends: { kind: "first", backends },
    } as const;
    const code = (route: Parameters<typeof openOpaqueRoute>[0]) =>
      refusalOf(openOpaqueRoute(route, META, OPTIONS).find(null)).code;
    expect(code({ meta: META, rule })).toBe(ofRule as Problem["code"]);
    const refused = backends.map((one) => ({ ...one, filters: [filter] }));
    expect(code({
      meta: META,
      rule: { filters: [], backends: { kind: "first", backends: refused } },
    })).toBe(ofBackend as Problem["code"]);
  },
);

test("bytes that a rule sends to nobody are refused", () => {
  const backends = { kind: "random", backends: [] } as const;
  const route = { meta: META, rule: { filters: [], backends } };
  expect(refusalOf(openOpaqueRoute(route, META, OPTIONS).find(null)).code)
    .toBe("backend.missing");
});
