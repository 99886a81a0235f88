import { expect, test } from "bun:test";
import { parseNetwork } from "../../../schemas/address.ts";
import type { TcpFilter, TcpRule } from "../../../schemas/client-policy.ts";
import type { Authentication } from "../../../schemas/policy.ts";
import { toServer } from "./inbound.ts";
import { toOutboundPolicy } from "./outbound.ts";
import { parseWorkload, parseWorkloadNamespace } from "./request.ts";

const NAMED = { kind: "default", name: "r" } as const;

const GONE = { kind: "nowhere", meta: NAMED } as const;
const NO_TIMEOUTS = { requestMs: null, responseMs: null, idleMs: null };
const ALWAYS = { numerator: 1, denominator: 1 };
const BACK_OFF = { minMs: 25, maxMs: 250, jitter: 1 };
const ONE_TO_TEN = {
  minBackoff: { seconds: 1n },
  maxBackoff: { seconds: 10n },
  jitterRatio: 0.5,
};

test("toOutboundPolicy() says all that a rule of HTTP can", () => {
  const headers = { add: [["a", "1"]], set: [], remove: ["b"] } as const;
  const { protocol } = toOutboundPolicy({
    parent: NAMED,
    protocol: {
      kind: "http1",
      http: {
        accrual: {
          kind: "consecutive",
          maxFailures: 7,
          backOff: { minMs: 1_000, maxMs: 10_000, jitter: 0.5 },
        },
        routes: [{
          meta: NAMED,
          hosts: [{ kind: "suffix", suffix: ".a.b" }],
          rules: [{
            matches: [],
            filters: [
              { kind: "request-headers", ...headers },
              { kind: "response-headers", ...headers },
              {
                kind: "redirect",
                scheme: "https",
                host: "c",
                path: { kind: "prefix", path: "/d" },
                port: 8443,
                status: 308,
              },
            ],
            backends: {
              kind: "random",
              backends: [{
                backend: GONE,
                weight: 0,
                filters: [{
                  kind: "failure",
                  status: 500,
                  message: "no",
                  ratio: ALWAYS,
                }],
              }, {
                backend: {
                  kind: "balancer",
                  meta: NAMED,
                  path: "a:80",
                  load: {
                    defaultRttMs: 30,
                    decayMs: 10_000,
                    penalty: { penaltyMs: 5_000, maxRetryAfterMs: 300_000 },
                  },
                },
                weight: 9,
                filters: [],
              }],
            },
            timeouts: { requestMs: 1_000, responseMs: 2_000, idleMs: 3_000 },
            retry: {
              limit: 3,
              maxBodyBytes: 65_536,
              conditions: [{ start: 500, end: 599 }],
              timeoutMs: 400,
              backOff: BACK_OFF,
            },
            allowsRequestFields: true,
          }],
        }],
      },
    },
  });
  const change = { add: { headers: [{ name: "a" }] }, remove: ["b"] };
  expect(protocol?.kind).toMatchObject({
    case: "http1",
    value: {
      failureAccrual: {
        kind: {
          case: "consecutiveFailures",
          value: { maxFailures: 7, backoff: ONE_TO_TEN },
        },
      },
      routes: [{
        hosts: [{
          match: { case: "suffix", value: { reverseLabels: ["b", "a"] } },
        }],
        rules: [{
          filters: [
            { kind: { case: "requestHeaderModifier", value: change } },
            { kind: { case: "responseHeaderModifier", value: change } },
            {
              kind: {
                case: "redirect",
                value: { host: "c", port: 8443, status: 308 },
              },
            },
          ],
          backends: {
            kind: {
              case: "randomAvailable",
              value: {
                backends: [{
                  weight: 0,
                  backend: {
                    backend: {
                      metadata: { kind: { value: "r" } },
                      kind: { case: undefined },
                    },
                    filters: [{
                      kind: {
                        case: "failureInjector",
                        value: { status: 500, message: "no", ratio: ALWAYS },
                      },
                    }],
                  },
                }, {
                  weight: 9,
                  backend: {
                    backend: {
                      kind: {
                        case: "balancer",
                        value: {
                          load: {
                            case: "penaltyPeakEwma",
                            value: {
                              penalty: { seconds: 5n },
                              maxRetryAfter: { seconds: 300n },
                              penaltyDecay: { seconds: 10n },
                            },
                          },
                        },
                      },
                    },
                  },
                }],
              },
            },
          },
          timeouts: {
            request: { seconds: 1n },
            response: { seconds: 2n },
            idle: { seconds: 3n },
          },
          retry: {
            maxRetries: 3,
            maxRequestBytes: 65_536,
            conditions: { statusRanges: [{ start: 500, end: 599 }] },
            timeout: { nanos: 400_000_000 },
            backoff: {
              minBackoff: { nanos: 25_000_000 },
              maxBackoff: { nanos: 250_000_000 },
              jitterRatio: 1,
            },
          },
          allowL5dRequestHeaders: true,
        }],
      }],
    },
  });
});

test("toOutboundPolicy() says all that a rule of gRPC can", () => {
  const { protocol } = toOutboundPolicy({
    parent: NAMED,
    protocol: {
      kind: "grpc",
      grpc: {
        accrual: {
          kind: "unified",
          maxFailures: 0,
          successRate: 0.75,
          windowMs: 10_000,
          minRequests: 5,
          backOff: { minMs: 1_000, maxMs: 10_000, jitter: 0.5 },
          heedsRetryAfter: true,
        },
        routes: [{
          meta: NAMED,
          hosts: [],
          rules: [{
            matches: [{ service: "a.B", method: null, headers: [] }],
            filters: [],
            backends: {
              kind: "first",
              backends: [{
                backend: GONE,
                weight: 1,
                filters: [{
                  kind: "failure",
                  code: 14,
                  message: "no",
                  ratio: ALWAYS,
                }],
              }],
            },
            timeouts: NO_TIMEOUTS,
            retry: {
              limit: 1,
              maxBodyBytes: 65_536,
              conditions: new Set([1, 4, 8, 13]),
              timeoutMs: null,
              backOff: null,
            },
            allowsRequestFields: false,
          }],
        }],
      },
    },
  });
  expect(protocol?.kind).toMatchObject({
    case: "grpc",
    value: {
      failureAccrual: {
        kind: {
          case: "unified",
          value: {
            successRateThreshold: 0.75,
            decay: { seconds: 10n },
            minRequests: 5,
            maxConsecutiveFailures: 0,
            backoff: { ...ONE_TO_TEN, respectRetryAfterHint: true },
          },
        },
      },
      routes: [{
        rules: [{
          matches: [{ rpc: { service: "a.B", method: "" } }],
          backends: {
            kind: {
              case: "firstAvailable",
              value: {
                backends: [{
                  filters: [{
                    kind: { case: "failureInjector", value: { code: 14 } },
                  }],
                }],
              },
            },
          },
          retry: {
            maxRetries: 1,
            conditions: {
              cancelled: true,
              deadineExceeded: true,
              resourceExhausted: true,
              internal: true,
              unavailable: false,
            },
          },
        }],
      }],
    },
  });
  const [route] = protocol?.kind.case === "grpc"
    ? protocol.kind.value.routes
    : [];
  expect(route?.rules[0]?.timeouts).toBeUndefined();
});

test("toOutboundPolicy() lets bytes through or not, by server name where there is one", () => {
  const refused = { kind: "first" as const, backends: [] };
  const rule = (filter: TcpFilter) => ({
    filters: [filter],
    backends: refused,
  });
  const opaque = (rule: TcpRule | null) =>
    toOutboundPolicy({
      parent: NAMED,
      protocol: { kind: "opaque", opaque: { meta: NAMED, rule } },
    }).protocol?.kind;
  const told = (...filters: object[]) => ({
    case: "opaque",
    value: {
      routes: [{ rules: [{ backends: { kind: { case: "empty" } }, filters }] }],
    },
  });
  expect(opaque(rule({ kind: "forbidden" })))
    .toMatchObject(told({ kind: { case: "forbidden" } }));
  expect(opaque(rule({ kind: "invalid", message: "no" })))
    .toMatchObject(
      told({ kind: { case: "invalid", value: { message: "no" } } }),
    );
  expect(opaque(null)).toMatchObject({ value: { routes: [{ rules: [] }] } });
  const tls = toOutboundPolicy({
    parent: NAMED,
    protocol: {
      kind: "tls",
      tls: [{
        meta: NAMED,
        snis: [{ kind: "exact", host: "a" }],
        rule: rule({ kind: "forbidden" }),
      }],
    },
  });
  expect(tls.protocol?.kind).toMatchObject({
    case: "tls",
    value: {
      routes: [{
        snis: [{ match: { case: "exact", value: "a" } }],
        rules: [{ filters: [{ kind: { case: "forbidden" } }] }],
      }],
    },
  });
});

test("toServer() says who is permitted, from where and as whom", () => {
  const cases: [Authentication, object][] = [
    [{ kind: "unauthenticated" }, { case: "unauthenticated" }],
    [{ kind: "tls" }, {
      case: "meshTLS",
      value: { clients: { case: "unauthenticated" } },
    }],
    [
      {
        kind: "identities",
        identities: new Set(["a.b"]),
        suffixes: ["", "svc.c"],
      },
      {
        case: "meshTLS",
        value: {
          clients: {
            case: "identities",
            value: {
              identities: [{ name: "a.b" }],
              suffixes: [{ parts: [] }, { parts: ["svc", "c"] }],
            },
          },
        },
      },
    ],
  ];
  const meta = { group: "policy.linkerd.io", kind: "server", name: "s" };
  for (const [authentication, permit] of cases) {
    const network = parseNetwork("10.0.0.0/8");
    const except = [parseNetwork("10.1.2.3")];
    const server = toServer({
      protocol: { kind: "tls" },
      authorizations: [{
        networks: [{ network, except }],
        authentication,
        meta,
      }],
      meta,
    });
    expect(server).toMatchObject({
      protocol: { kind: { case: "tls" } },
      labels: meta,
      authorizations: [{
        labels: meta,
        metadata: { kind: { case: "resource", value: meta } },
        authentication: { permit },
        networks: [{
          net: { ip: { ip: { value: 0x0a000000 } }, prefixLen: 8 },
          except: [{ ip: { ip: { value: 0x0a010203 } }, prefixLen: 32 }],
        }],
      }],
    });
  }
});

test("parseWorkload() reads both forms", () => {
  const pod = { pod: { namespace: "shop", name: "a" } };
  const cases = [
    ["shop:a", pod],
    ['{"ns":"shop","pod":"a"}', pod],
    ['{"ns":"shop","external_workload":"vm"}', {
      external: { namespace: "shop", name: "vm" },
    }],
    ['{"ns":"shop"}', "invalid"],
    ['{"pod":"a"}', "invalid"],
    ["shop:", "invalid"],
    ["a:b:c", "invalid"],
    ["{]", "invalid"],
  ] as const;
  for (const [text, expected] of cases) {
    expect({ text, got: parseWorkload(text) }).toEqual({ text, got: expected });
  }
});

test("parseWorkloadNamespace() takes whoever it can, and nobody for the rest", () => {
  const cases: [text: string, expected: string | null][] = [
    ["shop:a", "shop"],
    ["shop", "shop"],
    ['{"ns":"shop","pod":"a"}', "shop"],
    ['{"ns":"shop","external_workload":"vm"}', "shop"],
    ['{"ns":""}', null],
    ['{"ns":7}', null],
    ["{]", null],
    ["", null],
  ];
  for (const [text, expected] of cases) {
    expect({ text, got: parseWorkloadNamespace(text) })
      .toEqual({ text, got: expected });
  }
});
