import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "bun:test";
import { UNKNOWN_HTTP } from "../proxy/wire/route-match.ts";
import { decodeServerPolicy } from "../proxy/wire/server-policy.ts";
import { parseNetwork } from "../schemas/address.ts";
import type { ServerPolicy } from "../schemas/policy.ts";
import {
  AuthzSchema,
  HttpLocalRateLimitSchema,
  HttpRoute_RuleSchema,
  HttpRouteSchema,
  ServerSchema,
} from "../schemas/proto/gen/inbound_pb.ts";

type Init<T extends Parameters<typeof create>[0]> = MessageInitShape<T>;

function readServer(
  init: Init<typeof ServerSchema>,
): { policy: ServerPolicy; notices: string[] } {
  const notices = new Set<string>();
  const bytes = toBinary(ServerSchema, create(ServerSchema, init));
  const policy = decodeServerPolicy(bytes, notices);
  return { policy, notices: [...notices] };
}

const DETECT: Init<typeof ServerSchema>["protocol"] = {
  kind: {
    case: "detect",
    value: { timeout: { seconds: 7n, nanos: 500_000_000 } },
  },
};

function network(ip: number, prefixLen: number) {
  return { ip: { ip: { case: "ipv4" as const, value: ip } }, prefixLen };
}

const ANYWHERE = { net: network(0, 0) };

/** A server with one authorization, and what is left of it. */
function readAuthorization(
  authorization: Init<typeof AuthzSchema>,
): ServerPolicy["authorizations"] {
  const init = { protocol: DETECT, authorizations: [authorization] };
  return readServer(init).policy.authorizations;
}

describe("decodeServerPolicy()", () => {
  test("reads what a controller sends for a plain port", () => {
    const { policy, notices } = readServer({
      protocol: DETECT,
      labels: { group: "", kind: "default", name: "all-unauthenticated" },
      authorizations: [{
        networks: [{
          net: network(0x0a000000, 8),
          except: [network(0x0a010000, 16)],
        }],
        authentication: { permit: { case: "unauthenticated", value: {} } },
        metadata: { kind: { case: "default", value: "all-unauthenticated" } },
      }],
    });
    const meta = { group: "", kind: "default", name: "all-unauthenticated" };
    expect(policy).toEqual({
      protocol: { kind: "detect", timeoutMs: 7_500 },
      meta,
      authorizations: [{
        networks: [{
          network: parseNetwork("10.0.0.0/8"),
          except: [parseNetwork("10.1.0.0/16")],
        }],
        authentication: { kind: "unauthenticated" },
        meta,
      }],
    });
    expect(notices).toEqual([]);
  });

  test("reads identities and suffixes, an empty suffix being any identity", () => {
    const [authorization] = readAuthorization({
      networks: [ANYWHERE],
      labels: {
        group: "policy.linkerd.io",
        kind: "serverauthorization",
        name: "a",
      },
      authentication: {
        permit: {
          case: "meshTLS",
          value: {
            clients: {
              case: "identities",
              value: {
                identities: [{ name: "web.shop.id" }],
                suffixes: [{ parts: ["shop", "id"] }, { parts: [] }],
              },
            },
          },
        },
      },
    });
    expect(authorization?.authentication).toEqual({
      kind: "identities",
      identities: new Set(["web.shop.id"]),
      suffixes: [".shop.id", ""],
    });
    expect(authorization?.meta.name).toBe("a");
  });

  test("lets an authorization that it does not fully understand permit nobody", () => {
    const authentication = {
      permit: { case: "unauthenticated" as const, value: {} },
    };
    expect(readAuthorization({ networks: [ANYWHERE], authentication }).length)
      .toBe(1);
    const unknown = [{ no: 15, wireType: 0, data: Uint8Array.of(1) }];
    const narrowed: Init<typeof AuthzSchema>[] = [
      { networks: [ANYWHERE] },
      { networks: [], authentication },
      { networks: [ANYWHERE], authentication: {} },
      {
        networks: [ANYWHERE],
        authentication: { permit: { case: "meshTLS", value: {} } },
      },
      { networks: [{ net: network(0, 33) }], authentication },
      {
        networks: [{ ...ANYWHERE, except: [{ prefixLen: 8 }] }],
        authentication,
      },
    ];
    for (const authorization of narrowed) {
      expect(readAuthorization(authorization)).toEqual([]);
    }
    for (const part of ["authorization", "authentication", "network"]) {
      const authorization = create(AuthzSchema, {
        networks: [ANYWHERE],
        authentication,
      });
      const { authentication: authn, networks: [first] } = authorization;
      const parts = { authorization, authentication: authn, network: first };
      const changed = parts[part as keyof typeof parts];
      if (changed === undefined) throw new Error(part);
      changed.$unknown = unknown;
      expect(readAuthorization(authorization)).toEqual([]);
    }
  });

  test("closes a port whose protocol is of a kind it does not know", () => {
    for (const init of [{ protocol: {} }, {}]) {
      const { policy, notices } = readServer({
        ...init,
        authorizations: [{
          networks: [ANYWHERE],
          authentication: { permit: { case: "unauthenticated", value: {} } },
        }],
      });
      expect(policy).toMatchObject({
        protocol: { kind: "opaque" },
        authorizations: [],
      });
      expect(notices.join()).toContain("port closed");
    }
  });
});

/** Routes of an HTTP/1 Server. */
function readRoutes(
  routes: Init<typeof HttpRouteSchema>[],
  localRateLimit?: Init<typeof HttpLocalRateLimitSchema>,
) {
  const value = {
    routes,
    ...(localRateLimit === undefined ? {} : { localRateLimit }),
  };
  const { policy, notices } = readServer({
    protocol: { kind: { case: "http1", value } },
  });
  const { protocol } = policy;
  if (protocol.kind !== "http1") throw new Error(protocol.kind);
  return { ...protocol, notices };
}

/** A field no version has. */
const UNKNOWN = [{ no: 99, wireType: 0, data: new Uint8Array([1]) }];

describe("decodeServerPolicy() reads routes", () => {
  test("with hosts, matches, filters and authorizations", () => {
    const { routes, rateLimit, notices } = readRoutes([{
      metadata: {
        kind: {
          case: "resource",
          value: { group: "policy.linkerd.io", kind: "HTTPRoute", name: "a" },
        },
      },
      hosts: [
        { match: { case: "exact", value: "a.example" } },
        {
          match: {
            case: "suffix",
            value: { reverseLabels: ["example", "b"] },
          },
        },
      ],
      authorizations: [{
        networks: [ANYWHERE],
        authentication: { permit: { case: "unauthenticated", value: {} } },
        labels: { group: "g", kind: "k", name: "n" },
      }],
      rules: [{
        matches: [{
          path: { kind: { case: "prefix", value: "/a" } },
          headers: [{
            name: "x",
            value: { case: "exact", value: new TextEncoder().encode("é") },
          }],
          queryParams: [{ name: "q", value: { case: "regex", value: "a+" } }],
          method: { type: { case: "registered", value: 3 } },
        }],
        filters: [
          {
            kind: {
              case: "requestHeaderModifier",
              value: {
                add: { headers: [{ name: "A", value: Uint8Array.of(0x31) }] },
                remove: ["B"],
              },
            },
          },
          {
            kind: {
              case: "redirect",
              value: {
                scheme: { type: { case: "registered", value: 1 } },
                path: { replace: { case: "prefix", value: "/b" } },
              },
            },
          },
          {
            kind: {
              case: "failureInjector",
              value: {
                status: 418,
                message: "no",
                ratio: { numerator: 1, denominator: 4 },
              },
            },
          },
        ],
      }],
    }], {
      metadata: { kind: { case: "default", value: "limit" } },
      total: { requestsPerSecond: 100 },
      overrides: [{
        limit: { requestsPerSecond: 7 },
        clients: { identities: [{ name: "web.shop" }] },
      }],
    });
    expect(notices).toEqual([]);
    expect(routes).toMatchObject([{
      hosts: [
        { kind: "exact", host: "a.example" },
        { kind: "suffix", suffix: ".b.example" },
      ],
      authorizations: [{ meta: { group: "g", kind: "k", name: "n" } }],
      rules: [{
        matches: [{
          path: { kind: "prefix", path: "/a" },
          headers: [{ name: "x", value: { kind: "exact", value: "é" } }],
          queryParams: [{ name: "q", value: { kind: "regex", pattern: "a+" } }],
          method: "DELETE",
        }],
        filters: [
          {
            kind: "request-headers",
            add: [["a", "1"]],
            set: [],
            remove: ["b"],
          },
          {
            kind: "redirect",
            scheme: "https",
            host: null,
            path: { kind: "prefix", path: "/b" },
            port: null,
            status: 301,
          },
          {
            kind: "failure",
            status: 418,
            ratio: { numerator: 1, denominator: 4 },
          },
        ],
      }],
    }]);
    expect(rateLimit).toEqual({
      meta: { kind: "default", name: "limit" },
      totalPerSecond: 100,
      identityPerSecond: null,
      overrides: [{ perSecond: 7, identities: new Set(["web.shop"]) }],
    });
  });

  test("of gRPC, and none as the default one", () => {
    const { policy } = readServer({
      protocol: {
        kind: {
          case: "grpc",
          value: {
            routes: [{ rules: [{ matches: [{ rpc: { service: "a.B" } }] }] }],
          },
        },
      },
    });
    expect(policy.protocol).toMatchObject({
      kind: "grpc",
      routes: [{ rules: [{ matches: [{ service: "a.B", method: null }] }] }],
    });
    expect(readRoutes([]).routes).toBeUndefined();
  });

  test("so that what is not known in one lets nobody through, nor past it", () => {
    const rule = create(HttpRoute_RuleSchema, {
      matches: [{ path: { kind: { case: "exact", value: "/a" } } }],
      filters: [{}],
    });
    const [match] = rule.matches;
    const matchUnknown = create(HttpRoute_RuleSchema, { matches: [{}] });
    const [changed] = matchUnknown.matches;
    if (match === undefined || changed === undefined) throw new Error("none");
    changed.$unknown = UNKNOWN;
    const ruleUnknown = create(HttpRoute_RuleSchema, { matches: [match] });
    ruleUnknown.$unknown = UNKNOWN;
    const routeUnknown = create(HttpRouteSchema, {});
    routeUnknown.$unknown = UNKNOWN;
    const FAILS = { kind: "failure", status: 500 };
    const cases: [Init<typeof HttpRouteSchema>, unknown][] = [
      // A filter of an unknown kind fails its requests.
      [{ rules: [rule] }, { matches: [{ method: null }], filters: [FAILS] }],
      // A match with an unknown part might mean every request.
      [{ rules: [matchUnknown] }, { matches: [UNKNOWN_HTTP] }],
      [
        { rules: [{ matches: [{ path: {} }] }] },
        { matches: [UNKNOWN_HTTP] },
      ],
      [
        { rules: [{ matches: [{ headers: [{ name: "x" }] }] }] },
        { matches: [UNKNOWN_HTTP] },
      ],
      [
        {
          rules: [{
            matches: [{
              // A method of tomorrow.
              method: { type: { case: "registered", value: 42 as never } },
            }],
          }],
        },
        { matches: [UNKNOWN_HTTP] },
      ],
      // So does a route with one.
      [
        { rules: [ruleUnknown] },
        { matches: [UNKNOWN_HTTP], filters: [FAILS] },
      ],
      [routeUnknown, { matches: [UNKNOWN_HTTP], filters: [FAILS] }],
      [{ hosts: [{}] }, { matches: [UNKNOWN_HTTP], filters: [FAILS] }],
    ];
    for (const [init, expected] of cases) {
      const { routes, notices } = readRoutes([init]);
      expect(routes).toMatchObject([{ rules: [expected] }]);
      expect(notices.length).toBeGreaterThan(0);
    }
  });

  test("and says which patterns it cannot use", () => {
    const { notices } = readRoutes([{
      rules: [{
        matches: [{ path: { kind: { case: "regex", value: "(a)\\1" } } }],
      }],
    }]);
    expect(notices.join()).toContain(`the pattern "(a)\\1"`);
  });
});
