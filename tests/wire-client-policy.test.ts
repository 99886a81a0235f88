import { toBinary } from "@bufbuild/protobuf";
import { expect, test } from "bun:test";
import { toOutboundPolicy } from "../control/serve/policy/outbound.ts";
import { decodeOutboundPolicy } from "../proxy/wire/outbound-policy.ts";
import type {
  Backend,
  BackOff,
  ClientPolicy,
  ClientProtocol,
  ClientRoute,
  ClientRoutes,
  Distribution,
  FailureAccrual,
  GrpcFilter,
  GrpcRoute,
  HttpFilter,
  HttpRoute,
  OpaqueRoute,
  TcpFilter,
  TcpRule,
} from "../schemas/client-policy.ts";
import type { Meta } from "../schemas/policy.ts";
import { OutboundPolicySchema } from "../schemas/proto/gen/outbound_pb.ts";
import type {
  GrpcMatch,
  HostMatch,
  HttpMatch,
  NamedMatch,
  PathMatch,
  Ratio,
} from "../schemas/route.ts";
import { endpointAt } from "../proxy/testing/endpoints.ts";
import { createRandom, integer } from "./testing/random-message.ts";

const ROUNDS = 150;

/** Any policy that a control plane of ours may have to say. */
function createPolicies(random: () => number): () => ClientPolicy {
  const below = (limit: number) => integer(random, limit);
  const oneOf = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const some = <T>(make: () => T, least = 0): T[] =>
    Array.from({ length: least + below(3) }, make);
  const maybe = <T>(make: () => T): T | null => random() < 0.5 ? make() : null;
  const word = () => oneOf(["a", "b-1", "web", "é"]);
  const ms = () => 1 + below(100_000);
  const half = () => below(9) / 8;

  const meta = (): Meta =>
    random() < 0.3 ? { kind: "default", name: word() } : {
      kind: "resource",
      resource: {
        group: oneOf(["core", "gateway.networking.k8s.io"]),
        kind: oneOf(["Service", "HTTPRoute"]),
        name: word(),
        namespace: word(),
        section: oneOf(["", "http"]),
        port: below(65_536),
      },
    };
  const host = (): HostMatch =>
    random() < 0.5
      ? { kind: "exact", host: `${word()}.org` }
      : { kind: "suffix", suffix: `.${word()}.org` };
  const named = (): NamedMatch => ({
    name: oneOf(["x-a", "y"]),
    value: random() < 0.5
      ? { kind: "exact", value: word() }
      : { kind: "regex", pattern: `${word()}+` },
  });
  const path = (): PathMatch =>
    oneOf<PathMatch>([
      { kind: "exact", path: `/${word()}` },
      { kind: "prefix", path: "/" },
      { kind: "regex", pattern: "/[a-z]+" },
    ]);
  const httpMatch = (): HttpMatch => ({
    path: maybe(path),
    headers: some(named),
    queryParams: some(named),
    method: maybe(() => oneOf(["GET", "DELETE", "PURGE"])),
  });
  const grpcMatch = (): GrpcMatch => ({
    service: maybe(() => `a.${word()}`),
    method: maybe(word),
    headers: some(named),
  });
  const pair = () => [oneOf(["x-a", "y"]), word()] as const;
  const change = () => ({
    add: some(pair),
    set: some(pair),
    remove: some(() => "z"),
  });
  const ratio = (): Ratio => {
    const denominator = 1 + below(100);
    return { numerator: below(denominator + 1), denominator };
  };
  const httpFilter = (): HttpFilter =>
    oneOf<() => HttpFilter>([
      () => ({ kind: "request-headers", ...change() }),
      () => ({ kind: "response-headers", ...change() }),
      () => ({
        kind: "redirect",
        scheme: maybe(() => oneOf(["http", "https"])),
        host: maybe(word),
        path: maybe(() =>
          oneOf(
            [
              { kind: "full", path: "/x" },
              { kind: "prefix", path: "/y" },
            ] as const,
          )
        ),
        port: maybe(() => 1 + below(65_535)),
        status: oneOf([301, 302, 303, 307, 308]),
      }),
      () => ({
        kind: "failure",
        status: 200 + below(400),
        message: word(),
        ratio: ratio(),
      }),
    ])();
  const grpcFilter = (): GrpcFilter =>
    random() < 0.5 ? { kind: "request-headers", ...change() } : {
      kind: "failure",
      code: below(17),
      message: word(),
      ratio: ratio(),
    };
  const tcpFilter = (): TcpFilter =>
    random() < 0.5
      ? { kind: "forbidden" }
      : { kind: "invalid", message: word() };
  const backend = (): Backend =>
    oneOf<() => Backend>([
      () => ({
        kind: "forward",
        meta: meta(),
        endpoint: endpointAt(`10.0.0.${below(255)}`, 1 + below(65_535)),
      }),
      () => ({
        kind: "balancer",
        meta: meta(),
        path: `${word()}.svc:80`,
        load: {
          defaultRttMs: ms(),
          decayMs: ms(),
          penalty: maybe(() => ({ penaltyMs: ms(), maxRetryAfterMs: ms() })),
        },
      }),
      () => ({ kind: "nowhere", meta: meta() }),
    ])();
  const distribution = <F>(filter: () => F): Distribution<F> => {
    const kind = oneOf(["first", "random"] as const);
    return {
      kind,
      backends: some(() => ({
        backend: backend(),
        weight: kind === "first" ? 1 : below(1_000),
        filters: some(filter),
      }), 1),
    };
  };
  const backOff = (): BackOff => {
    const minMs = ms();
    return { minMs, maxMs: minMs + below(10_000), jitter: half() };
  };
  const accrual = (): FailureAccrual =>
    random() < 0.5
      ? {
        kind: "consecutive",
        maxFailures: 1 + below(20),
        backOff: backOff(),
      }
      : {
        kind: "unified",
        maxFailures: 1 + below(20),
        successRate: half() / 2,
        windowMs: 10 + ms(),
        minRequests: below(1_000),
        backOff: backOff(),
        heedsRetryAfter: random() < 0.5,
      };
  const route = <M, F, C>(
    match: () => M,
    filter: () => F,
    conditions: () => C,
  ): ClientRoute<M, F, C> => ({
    meta: meta(),
    hosts: some(host),
    rules: some(() => ({
      matches: some(match),
      filters: some(filter),
      backends: distribution(filter),
      timeouts: {
        requestMs: maybe(ms),
        responseMs: maybe(ms),
        idleMs: maybe(ms),
      },
      retry: maybe(() => ({
        limit: 1 + below(9),
        maxBodyBytes: below(100_000),
        conditions: conditions(),
        timeoutMs: maybe(ms),
        backOff: maybe(backOff),
      })),
      allowsRequestFields: random() < 0.5,
    })),
  });
  const http = (): ClientRoutes<HttpRoute> => ({
    routes: some(() =>
      route(httpMatch, httpFilter, () => some(() => ({ start: 500, end: 599 })))
    ),
    accrual: maybe(accrual),
  });
  const grpc = (): ClientRoutes<GrpcRoute> => ({
    routes: some(() =>
      route(
        grpcMatch,
        grpcFilter,
        () => new Set([1, 4, 8, 13, 14].filter(() => random() < 0.5)),
      )
    ),
    accrual: maybe(accrual),
  });
  const tcpRule = (): TcpRule => ({
    filters: some(tcpFilter),
    backends: distribution(tcpFilter),
  });
  const opaque = (): OpaqueRoute => ({ meta: meta(), rule: maybe(tcpRule) });
  const protocol = (): ClientProtocol =>
    oneOf<() => ClientProtocol>([
      () => ({
        kind: "detect",
        timeoutMs: ms(),
        http: http(),
        opaque: opaque(),
      }),
      () => ({ kind: oneOf(["http1", "http2"] as const), http: http() }),
      () => ({ kind: "grpc", grpc: grpc() }),
      () => ({ kind: "opaque", opaque: opaque() }),
      () => ({
        kind: "tls",
        tls: some(() => ({ ...opaque(), snis: some(host) })),
      }),
    ])();
  return () => ({ parent: meta(), protocol: protocol() });
}

test("client policy arrives as our control plane has it", () => {
  const next = createPolicies(createRandom(11));
  for (let round = 0; round < ROUNDS; round++) {
    const policy = next();
    const notices = new Set<string>();
    const bytes = toBinary(OutboundPolicySchema, toOutboundPolicy(policy));
    expect(decodeOutboundPolicy(bytes, notices)).toEqual(policy);
    expect([...notices]).toEqual([]);
  }
});
