import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "bun:test";
import { decodeClientPolicy } from "../proxy/wire/client-policy.ts";
import { decodeServerPolicy } from "../proxy/wire/server-policy.ts";
import { parseNetwork } from "../schemas/address.ts";
import type { ClientPolicy, ServerPolicy } from "../schemas/policy.ts";
import { AuthzSchema, ServerSchema } from "../schemas/proto/gen/inbound_pb.ts";
import {
  type BackendSchema,
  type HttpRoute_DistributionSchema,
  OutboundPolicySchema,
} from "../schemas/proto/gen/outbound_pb.ts";

type Init<T extends Parameters<typeof create>[0]> = MessageInitShape<T>;

function readServer(
  init: Init<typeof ServerSchema>,
): { policy: ServerPolicy; notices: string[] } {
  const notices = new Set<string>();
  const bytes = toBinary(ServerSchema, create(ServerSchema, init));
  const policy = decodeServerPolicy(bytes, notices);
  return { policy, notices: [...notices] };
}

function readClient(
  init: Init<typeof OutboundPolicySchema>,
): { policy: ClientPolicy; notices: string[] } {
  const notices = new Set<string>();
  const bytes = toBinary(
    OutboundPolicySchema,
    create(OutboundPolicySchema, init),
  );
  const policy = decodeClientPolicy(bytes, notices);
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

  test("refuses a protocol of a kind it does not know", () => {
    expect(() => readServer({ protocol: {} })).toThrow("unknown kind");
    expect(() => readServer({})).toThrow("unknown kind");
  });

  test("says which routes and rate limits it does not enforce", () => {
    const { notices } = readServer({
      protocol: {
        kind: {
          case: "http1",
          value: {
            routes: [
              { metadata: { kind: { case: "default", value: "probe" } } },
              {
                metadata: {
                  kind: { case: "resource", value: { name: "books" } },
                },
              },
            ],
            localRateLimit: { total: { requestsPerSecond: 5 } },
          },
        },
      },
    });
    expect(notices).toEqual([
      "inbound route books not enforced: routes are not supported yet",
      "rate limit not enforced: not supported yet",
    ]);
  });
});

const BALANCER: Init<typeof BackendSchema> = {
  metadata: {
    kind: {
      case: "resource",
      value: {
        group: "core",
        kind: "Service",
        name: "web",
        namespace: "shop",
        port: 80,
      },
    },
  },
  kind: {
    case: "balancer",
    value: {
      discovery: { kind: { case: "dst", value: { path: "web.shop.svc:80" } } },
      load: {
        case: "peakEwma",
        value: {
          defaultRtt: { nanos: 50_000_000 },
          decay: { seconds: 5n },
        },
      },
    },
  },
  queue: { capacity: 100, failfastTimeout: { seconds: 3n } },
};

const SERVICE = {
  group: "core",
  kind: "Service",
  name: "web",
  namespace: "shop",
  section: "",
  port: 80,
};

const DEFAULT_ROUTE = { kind: { case: "default" as const, value: "http" } };

function httpPolicy(
  backends: Init<typeof HttpRoute_DistributionSchema>,
): Init<typeof OutboundPolicySchema> {
  return {
    protocol: {
      kind: {
        case: "http2",
        value: { routes: [{ metadata: DEFAULT_ROUTE, rules: [{ backends }] }] },
      },
    },
  };
}

function outcomeOf(init: Init<typeof OutboundPolicySchema>): unknown {
  const { protocol } = readClient(init).policy;
  return "http" in protocol ? protocol.http.outcome : protocol.opaque.outcome;
}

const EXPECTED_BALANCER = {
  kind: "backend",
  backend: {
    kind: "balancer",
    meta: { kind: "resource", resource: SERVICE },
    path: "web.shop.svc:80",
    load: { defaultRttMs: 50, decayMs: 5_000 },
  },
};

describe("decodeClientPolicy()", () => {
  test("reads what a controller sends for a Service", () => {
    const routes = [{
      metadata: DEFAULT_ROUTE,
      rules: [{
        backends: {
          kind: {
            case: "firstAvailable" as const,
            value: { backends: [{ backend: BALANCER }] },
          },
        },
      }],
    }];
    const { policy, notices } = readClient({
      metadata: { kind: { case: "resource", value: SERVICE } },
      protocol: {
        kind: {
          case: "detect",
          value: {
            timeout: { seconds: 10n },
            opaque: { routes },
            http1: { routes },
            http2: { routes },
          },
        },
      },
    });
    const route = {
      meta: { kind: "default", name: "http" },
      outcome: EXPECTED_BALANCER,
    };
    expect<unknown>(policy).toEqual({
      parent: { kind: "resource", resource: SERVICE },
      protocol: {
        kind: "detect",
        timeoutMs: 10_000,
        http: route,
        opaque: route,
      },
    });
    expect(notices).toEqual([]);
  });

  test("takes the first backend that can be used", () => {
    const missing = { backend: { metadata: DEFAULT_ROUTE } };
    const usable = { backend: BALANCER };
    expect(outcomeOf(httpPolicy({
      kind: { case: "firstAvailable", value: { backends: [missing, usable] } },
    }))).toEqual(EXPECTED_BALANCER);
    const weighted = httpPolicy({
      kind: {
        case: "randomAvailable",
        value: {
          backends: [
            { backend: { backend: { metadata: DEFAULT_ROUTE } }, weight: 5 },
            { backend: usable, weight: 0 },
            { backend: usable, weight: 1 },
          ],
        },
      },
    });
    expect(outcomeOf(weighted)).toEqual(EXPECTED_BALANCER);
    expect(readClient(weighted).notices).toEqual([
      "traffic split not applied: all goes to the first backend",
    ]);
  });

  test("forwards to one address when told so", () => {
    const outcome = outcomeOf(httpPolicy({
      kind: {
        case: "firstAvailable",
        value: {
          backends: [{
            backend: {
              metadata: { kind: { case: "default", value: "egress-fallback" } },
              kind: {
                case: "forward",
                value: {
                  addr: {
                    ip: { ip: { case: "ipv4", value: 0x01020304 } },
                    port: 443,
                  },
                },
              },
            },
          }],
        },
      },
    }));
    expect(outcome).toMatchObject({
      kind: "backend",
      backend: {
        kind: "forward",
        meta: { kind: "default", name: "egress-fallback" },
        endpoint: { address: { ip: "1.2.3.4", port: 443 }, identity: null },
      },
    });
  });

  test("refuses where the controller says that there is nothing to reach", () => {
    expect(outcomeOf({
      protocol: {
        kind: {
          case: "opaque",
          value: {
            routes: [{
              metadata: { kind: { case: "default", value: "undefined-port" } },
              rules: [{
                filters: [{ kind: { case: "forbidden", value: {} } }],
                backends: { kind: { case: "empty", value: {} } },
              }],
            }],
          },
        },
      },
    })).toEqual({ kind: "forbidden", message: "forbidden by client policy" });
    expect(outcomeOf(httpPolicy({
      kind: {
        case: "firstAvailable",
        value: {
          backends: [{
            backend: { metadata: DEFAULT_ROUTE },
            filters: [{
              kind: {
                case: "failureInjector",
                value: { status: 500, message: "Service not found books" },
              },
            }],
          }],
        },
      },
    }))).toEqual({ kind: "invalid", message: "Service not found books" });
    expect(outcomeOf(httpPolicy({ kind: { case: "empty", value: {} } })))
      .toMatchObject({ kind: "invalid" });
    expect(outcomeOf({ protocol: { kind: { case: "grpc", value: {} } } }))
      .toMatchObject({ kind: "invalid" });
  });

  test("refuses a protocol of a kind it does not know", () => {
    expect(() => readClient({})).toThrow("unknown kind");
    expect(() => readClient({ protocol: {} })).toThrow("unknown kind");
  });

  test("names what it leaves out", () => {
    const { notices } = readClient({
      protocol: {
        kind: {
          case: "http1",
          value: {
            failureAccrual: {},
            routes: [
              {
                metadata: { kind: { case: "resource", value: SERVICE } },
                rules: [{ timeouts: {}, retry: {} }, {}],
              },
              {},
            ],
          },
        },
      },
    });
    expect(notices.sort()).toEqual([
      "circuit breaking not applied: not supported yet",
      "core/Service web.shop takes all requests: matching is not supported yet",
      "only a route's first rule is used: more are not supported yet",
      "only the first route is used: more are not supported yet",
      "retries of a route not applied: not supported yet",
      "timeouts of a route not applied: not supported yet",
    ]);
  });
});
