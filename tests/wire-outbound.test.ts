import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { describe, expect, test } from "bun:test";
import { decodeOutboundPolicy } from "../proxy/wire/outbound-policy.ts";
import type {
  Backend,
  ClientPolicy,
  ClientProtocol,
  GrpcRoute,
  HttpRoute,
} from "../schemas/client-policy.ts";
import type { Meta } from "../schemas/policy.ts";
import { GrpcRpcMatchSchema } from "../schemas/proto/gen/grpc_route_pb.ts";
import {
  HttpRouteMatchSchema,
  RequestHeaderModifierSchema,
} from "../schemas/proto/gen/http_route_pb.ts";
import {
  type BackendSchema,
  type FailureAccrualSchema,
  type GrpcRouteSchema,
  HttpRoute_DistributionSchema,
  HttpRoute_RetrySchema,
  HttpRoute_RuleSchema,
  type HttpRouteSchema,
  type OpaqueRouteSchema,
  OutboundPolicySchema,
  type TlsRoute_RuleSchema,
  type TlsRouteSchema,
} from "../schemas/proto/gen/outbound_pb.ts";

type Init<T extends Parameters<typeof create>[0]> = MessageInitShape<T>;

type HttpInit = Exclude<Init<typeof HttpRouteSchema>, { $typeName: string }>;

function read(
  init: Init<typeof OutboundPolicySchema>,
): { policy: ClientPolicy; notices: string[] } {
  const notices = new Set<string>();
  const message = create(OutboundPolicySchema, init);
  const bytes = toBinary(OutboundPolicySchema, message);
  return {
    policy: decodeOutboundPolicy(bytes, notices),
    notices: [...notices],
  };
}

/** The protocol of a policy, which must be of this kind. */
function protocolOf<K extends ClientProtocol["kind"]>(
  kind: K,
  { protocol }: ClientPolicy,
): OfKind<K> {
  if (protocol.kind !== kind) throw new Error(protocol.kind);
  return protocol as OfKind<K>;
}
type OfKind<K, P = ClientProtocol> = P extends { readonly kind: infer Kind }
  ? K extends Kind ? P : never
  : never;

/** What is read of HTTP routes. */
function readHttp(
  routes: Init<typeof HttpRouteSchema>[],
  failureAccrual?: Init<typeof FailureAccrualSchema>,
) {
  const value = {
    routes,
    ...(failureAccrual === undefined ? {} : { failureAccrual }),
  };
  const { policy, notices } = read({
    protocol: { kind: { case: "http2", value } },
  });
  return { ...protocolOf("http2", policy).http, notices };
}

/** What is read of one rule. */
function readRule(rule: Init<typeof HttpRoute_RuleSchema>) {
  const { routes: [route], notices } = readHttp([{ rules: [rule] }]);
  const [first] = route?.rules ?? [];
  if (first === undefined) throw new Error("no rule");
  return { rule: first, notices };
}

const named = (name: string): Meta => ({ kind: "default", name });
const metadata = (name: string) => ({
  kind: { case: "default" as const, value: name },
});
const SERVICE = {
  group: "core",
  kind: "Service",
  name: "web",
  namespace: "shop",
  section: "",
  port: 80,
};
const ms = (count: number) => ({
  seconds: BigInt(Math.floor(count / 1_000)),
  nanos: count % 1_000 * 1_000_000,
});
const octets = (text: string) => new TextEncoder().encode(text);

/** A balancer over a name. */
function balancer(path: string): Init<typeof BackendSchema> {
  return {
    metadata: { kind: { case: "resource", value: SERVICE } },
    kind: {
      case: "balancer",
      value: {
        discovery: { kind: { case: "dst", value: { path } } },
        load: {
          case: "peakEwma",
          value: { defaultRtt: ms(50), decay: ms(5_000) },
        },
      },
    },
    queue: { capacity: 100, failfastTimeout: ms(3_000) },
  };
}
const balanced = (path: string): Backend => ({
  kind: "balancer",
  meta: { kind: "resource", resource: SERVICE },
  path,
  load: { defaultRttMs: 50, decayMs: 5_000, penalty: null },
});

/** A message with a field besides that no version has. */
function strange<Desc extends DescMessage>(
  desc: Desc,
  init?: MessageInitShape<Desc>,
): MessageShape<Desc> {
  const message = create(desc, init);
  message.$unknown = [{ no: 99, wireType: 0, data: new Uint8Array([1]) }];
  return message;
}
const FAILS = {
  kind: "failure",
  status: 500,
  message: "invalid client policy configuration",
  ratio: { numerator: 1, denominator: 1 },
};
const NO_TIMEOUTS = { requestMs: null, responseMs: null, idleMs: null };

describe("decodeOutboundPolicy() reads", () => {
  test("what a controller sends for a Service without routes", () => {
    const rules = [{
      matches: [{ path: { kind: { case: "prefix" as const, value: "/" } } }],
      backends: {
        kind: {
          case: "firstAvailable" as const,
          value: { backends: [{ backend: balancer("web.shop.svc:80") }] },
        },
      },
    }];
    const opaque = [{
      metadata: metadata("opaque"),
      rules: rules.map(({ backends }) => ({ backends })),
    }];
    const http = { routes: [{ metadata: metadata("http"), rules }] };
    const { policy, notices } = read({
      metadata: { kind: { case: "resource", value: SERVICE } },
      protocol: {
        kind: {
          case: "detect",
          value: {
            timeout: ms(7_500),
            opaque: { routes: opaque },
            http1: http,
            http2: http,
          },
        },
      },
    });
    const backends = {
      kind: "first",
      backends: [{
        backend: balanced("web.shop.svc:80"),
        weight: 1,
        filters: [],
      }],
    };
    expect<unknown>(policy).toEqual({
      parent: { kind: "resource", resource: SERVICE },
      protocol: {
        kind: "detect",
        timeoutMs: 7_500,
        opaque: { meta: named("opaque"), rule: { filters: [], backends } },
        http: {
          accrual: null,
          routes: [{
            meta: named("http"),
            hosts: [],
            rules: [{
              matches: [{
                path: { kind: "prefix", path: "/" },
                headers: [],
                queryParams: [],
                method: null,
              }],
              filters: [],
              backends,
              timeouts: NO_TIMEOUTS,
              retry: null,
              allowsRequestFields: false,
            }],
          }],
        },
      },
    });
    expect(notices).toEqual([]);
  });

  test("all that an HTTP route can say", () => {
    const headers = { headers: [{ name: "A", value: octets("1") }] };
    const { routes: [route], notices } = readHttp([{
      metadata: metadata("canary"),
      hosts: [
        { match: { case: "exact", value: "web" } },
        { match: { case: "suffix", value: { reverseLabels: ["org", "a"] } } },
      ],
      rules: [{
        matches: [{
          path: { kind: { case: "exact", value: "/a" } },
          headers: [{
            name: "X-Version",
            value: { case: "exact", value: octets("2") },
          }],
          queryParams: [{ name: "Q", value: { case: "regex", value: "a+" } }],
          method: { type: { case: "unregistered", value: "PURGE" } },
        }],
        filters: [
          {
            kind: {
              case: "requestHeaderModifier",
              value: { add: headers, remove: ["B"] },
            },
          },
          {
            kind: { case: "responseHeaderModifier", value: { set: headers } },
          },
          {
            kind: {
              case: "redirect",
              value: {
                host: "b",
                path: { replace: { case: "full", value: "/b" } },
                port: 81,
                status: 308,
              },
            },
          },
        ],
        backends: {
          kind: {
            case: "randomAvailable",
            value: {
              backends: [
                { backend: { backend: balancer("v1:80") }, weight: 90 },
                {
                  backend: {
                    backend: balancer("v2:80"),
                    filters: [{
                      kind: {
                        case: "failureInjector",
                        value: {
                          status: 418,
                          message: "no",
                          ratio: { numerator: 1, denominator: 4 },
                        },
                      },
                    }],
                  },
                  weight: 0,
                },
              ],
            },
          },
        },
        timeouts: {
          request: ms(1_000),
          response: ms(2_000),
          idle: ms(3_000),
        },
        retry: {
          maxRetries: 3,
          maxRequestBytes: 65_536,
          conditions: { statusRanges: [{ start: 500, end: 599 }] },
          timeout: ms(400),
          backoff: {
            minBackoff: ms(25),
            maxBackoff: ms(250),
            jitterRatio: 0.5,
          },
        },
        allowL5dRequestHeaders: true,
      }],
    }]);
    expect(notices).toEqual([]);
    expect<unknown>(route).toEqual(
      {
        meta: named("canary"),
        hosts: [
          { kind: "exact", host: "web" },
          { kind: "suffix", suffix: ".a.org" },
        ],
        rules: [{
          matches: [{
            path: { kind: "exact", path: "/a" },
            headers: [{
              name: "x-version",
              value: { kind: "exact", value: "2" },
            }],
            queryParams: [{
              name: "Q",
              value: { kind: "regex", pattern: "a+" },
            }],
            method: "PURGE",
          }],
          filters: [
            {
              kind: "request-headers",
              add: [["a", "1"]],
              set: [],
              remove: ["b"],
            },
            {
              kind: "response-headers",
              add: [],
              set: [["a", "1"]],
              remove: [],
            },
            {
              kind: "redirect",
              scheme: null,
              host: "b",
              path: { kind: "full", path: "/b" },
              port: 81,
              status: 308,
            },
          ],
          backends: {
            kind: "random",
            backends: [
              { backend: balanced("v1:80"), weight: 90, filters: [] },
              {
                backend: balanced("v2:80"),
                weight: 0,
                filters: [{
                  kind: "failure",
                  status: 418,
                  message: "no",
                  ratio: { numerator: 1, denominator: 4 },
                }],
              },
            ],
          },
          timeouts: { requestMs: 1_000, responseMs: 2_000, idleMs: 3_000 },
          retry: {
            limit: 3,
            maxBodyBytes: 65_536,
            conditions: [{ start: 500, end: 599 }],
            timeoutMs: 400,
            backOff: { minMs: 25, maxMs: 250, jitter: 0.5 },
          },
          allowsRequestFields: true,
        }],
      } satisfies HttpRoute,
    );
  });

  test("gRPC routes, with codes to retry and a backend that is not there", () => {
    const rule: Init<typeof GrpcRouteSchema>["rules"] = [{
      matches: [{
        rpc: { service: "a.B", method: "Get" },
        headers: [{ name: "x", value: { case: "regex", value: "1|2" } }],
      }],
      backends: {
        kind: {
          case: "randomAvailable",
          value: {
            backends: [{
              backend: {
                backend: { metadata: metadata("gone") },
                filters: [{
                  kind: {
                    case: "failureInjector",
                    value: { code: 500, message: "Service not found gone" },
                  },
                }],
              },
              weight: 1,
            }],
          },
        },
      },
      retry: {
        maxRetries: 1,
        conditions: { cancelled: true, unavailable: true, internal: false },
      },
    }];
    const { policy, notices } = read({
      protocol: {
        kind: {
          case: "grpc",
          value: { routes: [{ metadata: metadata("g"), rules: rule }] },
        },
      },
    });
    expect(notices).toEqual([]);
    expect<unknown>(protocolOf("grpc", policy).grpc.routes).toEqual(
      [{
        meta: named("g"),
        hosts: [],
        rules: [{
          matches: [{
            service: "a.B",
            method: "Get",
            headers: [{ name: "x", value: { kind: "regex", pattern: "1|2" } }],
          }],
          filters: [],
          backends: {
            kind: "random",
            backends: [{
              backend: { kind: "nowhere", meta: named("gone") },
              weight: 1,
              filters: [{
                kind: "failure",
                // 500 is no gRPC status: unavailable.
                code: 14,
                message: "Service not found gone",
                ratio: { numerator: 1, denominator: 1 },
              }],
            }],
          },
          timeouts: NO_TIMEOUTS,
          retry: {
            limit: 1,
            maxBodyBytes: 0,
            conditions: new Set([1, 14]),
            timeoutMs: null,
            backOff: null,
          },
          allowsRequestFields: false,
        }],
      }] satisfies GrpcRoute[],
    );
  });

  test("TLS routes by name, and refusals of bytes", () => {
    const refusing = (
      kind: "forbidden" | "invalid",
    ): Init<typeof TlsRoute_RuleSchema>[] => [{
      filters: [{
        kind: kind === "invalid"
          ? { case: kind, value: { message: "gone" } }
          : { case: kind, value: {} },
      }],
    }];
    const { policy } = read({
      protocol: {
        kind: {
          case: "tls",
          value: {
            routes: [
              {
                metadata: metadata("a"),
                snis: [
                  { match: { case: "exact", value: "a.org" } },
                  {
                    match: {
                      case: "suffix",
                      value: { reverseLabels: ["org"] },
                    },
                  },
                ],
                rules: refusing("forbidden"),
              },
              { metadata: metadata("b"), rules: refusing("invalid") },
              { metadata: metadata("c") },
            ],
          },
        },
      },
    });
    const backends = { kind: "first", backends: [] };
    expect<unknown>(protocolOf("tls", policy).tls).toEqual([
      {
        meta: named("a"),
        snis: [
          { kind: "exact", host: "a.org" },
          { kind: "suffix", suffix: ".org" },
        ],
        rule: { filters: [{ kind: "forbidden" }], backends },
      },
      {
        meta: named("b"),
        snis: [],
        rule: { filters: [{ kind: "invalid", message: "gone" }], backends },
      },
      { meta: named("c"), snis: [], rule: null },
    ]);
  });

  test("one address to forward to, and nothing as no backend", () => {
    const forward = (prefixed: number) =>
      readRule({
        backends: {
          kind: {
            case: "firstAvailable",
            value: {
              backends: [{
                backend: {
                  metadata: metadata("egress"),
                  kind: {
                    case: "forward",
                    value: {
                      addr: {
                        ip: { ip: { case: "ipv4", value: 0x01020304 } },
                        port: prefixed,
                      },
                    },
                  },
                },
              }],
            },
          },
        },
      });
    expect(forward(443).rule.backends.backends).toMatchObject([{
      backend: {
        kind: "forward",
        meta: named("egress"),
        endpoint: { address: { ip: "1.2.3.4", port: 443 } },
      },
    }]);
    expect(forward(0).rule.backends.backends).toMatchObject([{
      backend: { kind: "nowhere", meta: named("egress") },
    }]);
    expect(forward(0).notices.join()).toContain("unusable");
    expect(
      readRule({ backends: { kind: { case: "empty", value: {} } } }).rule
        .backends.backends,
    ).toEqual([]);
    expect(readHttp([]).routes).toEqual([]);
    const { policy } = read({
      protocol: { kind: { case: "opaque", value: {} } },
    });
    expect(protocolOf("opaque", policy).opaque.rule).toBeNull();
  });

  test("how failures count for the load", () => {
    const { rule } = readRule({
      backends: {
        kind: {
          case: "firstAvailable",
          value: {
            backends: [{
              backend: {
                kind: {
                  case: "balancer",
                  value: {
                    discovery: {
                      kind: { case: "dst", value: { path: "a:1" } },
                    },
                    load: {
                      case: "penaltyPeakEwma",
                      value: { penalty: ms(2_000), decay: ms(0) },
                    },
                  },
                },
              },
            }],
          },
        },
      },
    });
    expect(rule.backends.backends[0]?.backend).toMatchObject({
      load: {
        defaultRttMs: 30,
        decayMs: 10_000,
        penalty: { penaltyMs: 2_000, maxRetryAfterMs: 300_000 },
      },
    });
  });

  test("circuit breaking of both kinds, within bounds", () => {
    const backoff = {
      minBackoff: ms(2_000),
      maxBackoff: ms(30_000),
      jitterRatio: 0.25,
      respectRetryAfterHint: true,
    };
    const accrual = (kind: Init<typeof FailureAccrualSchema>["kind"]) => {
      const { accrual, notices } = readHttp(
        [],
        kind === undefined ? {} : { kind },
      );
      return { accrual, notices };
    };
    const backOff = { minMs: 2_000, maxMs: 30_000, jitter: 0.25 };
    expect(accrual({
      case: "consecutiveFailures",
      value: { maxFailures: 7, backoff },
    })).toEqual({
      accrual: { kind: "consecutive", maxFailures: 7, backOff },
      notices: [],
    });
    expect(
      accrual({
        case: "unified",
        value: {
          successRateThreshold: 0.8,
          decay: ms(20_000),
          minRequests: 5,
          maxConsecutiveFailures: 3,
          backoff,
        },
      }).accrual,
    ).toEqual({
      kind: "unified",
      maxFailures: 3,
      successRate: 0.8,
      windowMs: 20_000,
      minRequests: 5,
      backOff,
      heedsRetryAfter: true,
    });
    expect(
      accrual({
        case: "unified",
        value: {
          successRateThreshold: 7,
          decay: ms(1),
          minRequests: 2 ** 31,
          backoff: { minBackoff: ms(9_000), jitterRatio: Number.NaN },
        },
      }).accrual,
    ).toMatchObject({
      successRate: 1,
      windowMs: 10,
      minRequests: 1_000_000,
      backOff: { minMs: 9_000, maxMs: 9_000, jitter: 0 },
    });
    const nothings: Init<typeof FailureAccrualSchema>["kind"][] = [
      { case: undefined },
      { case: "consecutiveFailures", value: {} },
      { case: "unified", value: { successRateThreshold: Number.NaN } },
    ];
    for (const nothing of nothings) {
      const { accrual: none, notices } = accrual(nothing);
      expect(none).toBeNull();
      expect(notices.join()).toContain("no circuit breaking");
    }
  });

  test("retries and timeouts of nothing as none, and bodies up to a bound", () => {
    const { rule } = readRule({
      timeouts: { request: ms(0), idle: ms(0) },
      requestTimeout: ms(5_000),
      retry: { conditions: { statusRanges: [{ start: 500, end: 500 }] } },
    });
    expect(rule.retry).toBeNull();
    expect(rule.timeouts).toEqual({ ...NO_TIMEOUTS, requestMs: 5_000 });
    const retry = readRule({
      retry: { maxRetries: 1, maxRequestBytes: 2 ** 31, timeout: ms(0) },
    }).rule.retry;
    expect(retry).toMatchObject({ maxBodyBytes: 1_048_576, timeoutMs: null });
  });
});

describe("decodeOutboundPolicy() widens nothing that it does not know", () => {
  const path = { kind: { case: "prefix" as const, value: "/" } };
  const backends = {
    kind: {
      case: "firstAvailable" as const,
      value: { backends: [{ backend: balancer("a:1") }] },
    },
  };

  test.each<[string, Pick<HttpInit, "hosts" | "rules">]>([
    ["a match", {
      rules: [{ matches: [strange(HttpRouteMatchSchema)], backends }],
    }],
    ["a path", { rules: [{ matches: [{ path: {} }], backends }] }],
    ["a method", { rules: [{ matches: [{ method: {} }], backends }] }],
    ["a header", { rules: [{ matches: [{ headers: [{}] }], backends }] }],
    ["a parameter", {
      rules: [{ matches: [{ queryParams: [{ name: "q" }] }], backends }],
    }],
    ["a pattern", {
      rules: [{
        matches: [{ path: { kind: { case: "regex", value: "(?=a)" } } }],
        backends,
      }],
    }],
    ["a pattern of a million steps", {
      rules: [{
        matches: [{
          path: { kind: { case: "regex", value: "((a{100}){100}){100}" } },
        }],
        backends,
      }],
    }],
    ["a host", { hosts: [{}], rules: [{ matches: [{ path }], backends }] }],
    ["a filter", { rules: [{ filters: [{}], backends }] }],
    ["a part of a filter", {
      rules: [{
        filters: [{
          kind: {
            case: "requestHeaderModifier",
            value: strange(RequestHeaderModifierSchema),
          },
        }],
        backends,
      }],
    }],
    ["a status that is none", {
      rules: [{
        filters: [{
          kind: { case: "failureInjector", value: { status: 42 } },
        }],
        backends,
      }],
    }],
  ])("%s: its requests fail", (_, route) => {
    const { routes, notices } = readHttp([{
      ...route,
      metadata: metadata("r"),
    }]);
    const rules = routes[0]?.rules ?? [];
    expect(rules).toHaveLength(1);
    for (const { filters } of rules) {
      expect(filters).toMatchObject([{ kind: "failure", status: 500 }]);
    }
    expect(notices.join()).toContain("default r: requests fail");
  });

  test("one match of several: the others are as they were", () => {
    const { routes: [route], notices } = readHttp([{
      metadata: metadata("r"),
      rules: [{
        matches: [{ path }, { path: {} }],
        backends,
        allowL5dRequestHeaders: true,
        timeouts: { request: ms(1_000) },
      }],
    }]);
    expect(route?.rules).toMatchObject([
      {
        matches: [{ path: { kind: "prefix", path: "/" } }],
        filters: [],
        timeouts: { requestMs: 1_000 },
      },
      {
        matches: [{ path: { kind: "regex" } }],
        filters: [FAILS],
        backends: { backends: [] },
        timeouts: NO_TIMEOUTS,
      },
    ]);
    expect(notices).toHaveLength(1);
  });

  test("calls: their matches, filters and hosts", () => {
    const { policy } = read({
      protocol: {
        kind: {
          case: "grpc",
          value: {
            routes: [
              { rules: [{ matches: [{ rpc: strange(GrpcRpcMatchSchema) }] }] },
              { rules: [{ filters: [{}] }] },
              { hosts: [{}] },
            ],
          },
        },
      },
    });
    for (const { rules } of protocolOf("grpc", policy).grpc.routes) {
      expect(rules).toHaveLength(1);
      expect(rules[0]?.filters).toMatchObject([{ kind: "failure", code: 13 }]);
    }
  });

  test("bytes: names, filters and places", () => {
    const routes: Init<typeof TlsRouteSchema>[] = [
      { snis: [{}], rules: [{ backends }] },
      { rules: [{ filters: [{}], backends }] },
    ];
    const { policy, notices } = read({
      protocol: { kind: { case: "tls", value: { routes } } },
    });
    for (const { snis, rule } of protocolOf("tls", policy).tls) {
      expect(snis).toEqual([]);
      expect(rule?.filters).toMatchObject([{ kind: "invalid" }]);
    }
    expect(notices.join()).toContain("connections fail");
    const opaque: Init<typeof OpaqueRouteSchema> = {
      rules: [{ backends: {} }, { backends }],
    };
    const second = read({
      protocol: {
        kind: { case: "opaque", value: { routes: [opaque, opaque] } },
      },
    });
    expect(protocolOf("opaque", second.policy).opaque.rule?.backends.backends)
      .toEqual([]);
    expect(second.notices).toHaveLength(2);
  });

  test("where requests go: nowhere", () => {
    const { rule, notices } = readRule({
      backends: strange(HttpRoute_DistributionSchema),
    });
    expect(rule.backends.backends).toEqual([]);
    expect(notices.join()).toContain("where they go");
    const weighted = readRule({
      backends: {
        kind: {
          case: "randomAvailable",
          value: { backends: [{ backend: { backend: {} }, weight: 3 }] },
        },
      },
    }).rule.backends.backends;
    expect(weighted).toMatchObject([{
      backend: { kind: "nowhere" },
      weight: 3,
    }]);
  });

  test("a protocol: nothing is taken of it", () => {
    expect(() => read({})).toThrow("unknown kind");
    expect(() => read({ protocol: {} })).toThrow("unknown kind");
  });

  test("what only adds is left out, and named", () => {
    const { rule, notices } = readRule(strange(HttpRoute_RuleSchema, {
      retry: strange(HttpRoute_RetrySchema, { maxRetries: 1 }),
      backends,
    }));
    expect(rule).toMatchObject({ filters: [], retry: { limit: 1 } });
    expect(rule.backends.backends).toHaveLength(1);
    expect(notices).toHaveLength(2);
  });
});
