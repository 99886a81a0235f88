import { describe, expect, test } from "bun:test";
import { findAuthorizations } from "./find.ts";
import type {
  AuthorizationPolicy,
  Policies,
  Ref,
  Route,
  Server,
  ServerAuthorization,
  Subject,
} from "./objects.ts";

const POLICY = "policy.linkerd.io";
const GATEWAY = "gateway.networking.k8s.io";
const POD: Subject = {
  namespace: "shop",
  labels: { app: "web", tier: "front" },
  ports: [{ name: "http", containerPort: 8080 }],
};

function server(
  name: string,
  spec: Partial<Server["spec"]> = {},
  labels = {},
): Server {
  return {
    metadata: { name, namespace: "shop", labels },
    spec: { podSelector: { matchLabels: { app: "web" } }, port: 8080, ...spec },
  };
}

function policy(name: string, targetRef: Ref): AuthorizationPolicy {
  return { metadata: { name, namespace: "shop" }, spec: { targetRef } };
}

function older(
  name: string,
  target: NonNullable<ServerAuthorization["spec"]["server"]>,
): ServerAuthorization {
  return { metadata: { name, namespace: "shop" }, spec: { server: target } };
}

function route(name: string, ...servers: string[]): Route {
  return {
    metadata: { name, namespace: "shop" },
    spec: {
      parentRefs: servers.map((name) => ({
        group: POLICY,
        kind: "Server",
        name,
      })),
    },
  };
}

function policies(some: Partial<Policies>): Policies {
  return {
    servers: [server("web-http")],
    serverAuthorizations: [],
    authorizationPolicies: [],
    routes: new Map(),
    ...some,
  };
}

/** Rows in short: route, Server, AuthorizationPolicy, ServerAuthorization. */
function rows(some: Partial<Policies>, subjects = [POD]): string[] {
  return findAuthorizations(subjects, policies(some)).rows.map((row) =>
    `${row.route} ${row.server} ${row.authorizationPolicy || "-"} ${
      row.serverAuthorization || "-"
    }`
  );
}

describe("what authorizes", () => {
  test("an AuthorizationPolicy on the Server, its namespace or one of its routes", () => {
    const ref = (group: string, kind: string, name: string) => ({
      group,
      kind,
      name,
    });
    expect(rows({
      authorizationPolicies: [
        policy("on-server", ref(POLICY, "Server", "web-http")),
        policy("on-namespace", ref("core", "Namespace", "shop")),
        policy("on-route", ref(POLICY, "HTTPRoute", "get-books")),
        policy("on-gateway-route", ref(GATEWAY, "HTTPRoute", "get-books")),
        policy("on-grpc", ref(GATEWAY, "GRPCRoute", "call-books")),
        policy("on-other-server", ref(POLICY, "Server", "other")),
        policy("on-other-namespace", ref("core", "Namespace", "bank")),
        policy("on-other-route", ref(POLICY, "HTTPRoute", "of-another")),
      ],
      routes: new Map([
        [`${POLICY}/HTTPRoute`, [
          route("get-books", "web-http"),
          route("of-another", "other"),
        ]],
        [`${GATEWAY}/GRPCRoute`, [route("call-books", "web-http")]],
      ]),
    })).toEqual([
      "* web-http on-server -",
      "* web-http on-namespace -",
      "get-books web-http on-route -",
      "call-books web-http on-grpc -",
    ]);
  });

  test("a ServerAuthorization by the Server's name or labels, before policies", () => {
    expect(rows({
      servers: [server("web-http", {}, { team: "a" })],
      serverAuthorizations: [
        older("by-name", { name: "web-http" }),
        older("by-label", { selector: { matchLabels: { team: "a" } } }),
        older("of-others", { selector: { matchLabels: { team: "b" } } }),
      ],
      authorizationPolicies: [
        policy("policy", { group: POLICY, kind: "Server", name: "web-http" }),
      ],
    })).toEqual([
      "* web-http - by-name",
      "* web-http - by-label",
      "* web-http policy -",
    ]);
  });

  test("nothing of another namespace", () => {
    const foreign = older("foreign", { name: "web-http" });
    expect(rows({
      serverAuthorizations: [{
        ...foreign,
        metadata: { name: "foreign", namespace: "bank" },
      }],
    })).toEqual([]);
  });

  test("nothing that lacks what it is about", () => {
    const broken = {
      metadata: { name: "broken", namespace: "shop" },
      spec: {},
    };
    expect(rows({
      serverAuthorizations: [broken],
      authorizationPolicies: [broken],
    })).toEqual([]);
  });
});

describe("which Servers are about a pod", () => {
  const names = (...servers: Server[]) =>
    findAuthorizations([POD, POD], policies({ servers }))
      .unauthorized.map(({ metadata }) => metadata.name);

  test("those that select its labels", () => {
    const selecting = (podSelector: Server["spec"]["podSelector"]) =>
      names(server("it", podSelector === undefined ? {} : { podSelector }));
    expect(selecting({})).toEqual(["it"]);
    expect(selecting({ matchLabels: { app: "api" } })).toEqual([]);
    const expression = (key: string, operator: string, ...values: string[]) =>
      selecting({ matchExpressions: [{ key, operator, values }] }).length === 1;
    expect(expression("app", "In", "web", "api")).toBe(true);
    expect(expression("app", "NotIn", "web")).toBe(false);
    expect(expression("none", "NotIn", "web")).toBe(true);
    expect(expression("tier", "Exists")).toBe(true);
    expect(expression("tier", "DoesNotExist")).toBe(false);
    expect(expression("tier", "Like", "front")).toBe(false);
  });

  test("by number declared or not, by name only where a container declares it", () => {
    expect(names(
      server("number", { port: 9999 }),
      server("text", { port: "8080" }),
      server("name", { port: "http" }),
      server("other", { port: "admin" }),
    )).toEqual(["number", "text", "name"]);
  });

  test("not those of machines outside, nor of other namespaces", () => {
    const { podSelector: _, ...spec } = server("outside").spec;
    const external = { ...server("outside"), spec };
    const foreign = {
      ...server("foreign"),
      metadata: { name: "foreign", namespace: "bank" },
    };
    expect(
      findAuthorizations([POD], policies({ servers: [external, foreign] })),
    )
      .toEqual({ rows: [], unauthorized: [], hasServer: false });
  });
});
