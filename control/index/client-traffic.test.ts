import { expect, test } from "bun:test";
import type { FailureAccrual } from "../../schemas/client-policy.ts";
import { applies, serviceManifest } from "../testing/objects.ts";
import { indexOf, policyManifest } from "../testing/policies.ts";
import {
  clientRoute,
  HTTP_KINDS,
  requestRoutes,
  toldOf,
} from "../testing/routes.ts";

type Annotations = Readonly<Record<string, string>>;

const web = (annotations: Annotations = {}, spec = {}) =>
  serviceManifest("web", "10.43.0.1", { annotations, spec });
const ruleOf = (...manifests: Record<string, unknown>[]) => {
  const [route] = requestRoutes(toldOf(indexOf(manifests)));
  const [rule] = route?.rules ?? [];
  if (rule === undefined) throw new Error("a rule was expected");
  return rule;
};
const NO_TIMEOUTS = { requestMs: null, responseMs: null, idleMs: null };
const T = "timeout.linkerd.io/";
const R = "retry.linkerd.io/";

test.each(HTTP_KINDS)(
  "%s (%s): timeouts and retries of annotations, the route's before its parent's",
  (kind, apiVersion) => {
    const route = (annotations: Annotations, rule = {}) =>
      clientRoute(kind, "r", [rule], { apiVersion, annotations });
    const conditions = kind === "GRPCRoute"
      ? { [`${R}grpc`]: "internal,Unavailable" }
      : { [`${R}http`]: "5xx,404,429-431" };
    const told = kind === "GRPCRoute" ? new Set([13, 14]) : [
      { start: 500, end: 599 },
      { start: 404, end: 404 },
      { start: 429, end: 431 },
    ];
    const parent = web({
      [`${T}idle`]: "1m",
      [`${T}request`]: "9s",
      [`${R}limit`]: "9",
    });
    expect(ruleOf(web(), route({}))).toMatchObject({
      timeouts: NO_TIMEOUTS,
      retry: null,
      allowsRequestFields: false,
    });
    const inherited = ruleOf(parent, route({}));
    expect(inherited.timeouts)
      .toEqual({ requestMs: 9_000, responseMs: null, idleMs: 60_000 });
    expect(inherited.retry).toMatchObject({ limit: 9, timeoutMs: null });
    const own = ruleOf(
      parent,
      route({
        ...conditions,
        [`${R}timeout`]: "250ms",
        [`${T}response`]: "3s",
      }),
    );
    expect(own.timeouts)
      .toEqual({ requestMs: null, responseMs: 3_000, idleMs: null });
    expect(own.retry).toEqual({
      limit: 1,
      timeoutMs: 250,
      conditions: told,
      maxBodyBytes: 65_536,
      backOff: { minMs: 25, maxMs: 250, jitter: 1 },
    });
    // Only of what the route mentions the parent's is hidden.
    const mixed = ruleOf(parent, route({ [`${T}response`]: "3s" }));
    expect(mixed.retry).toMatchObject({ limit: 9 });
    expect(mixed.timeouts).toEqual({ ...NO_TIMEOUTS, responseMs: 3_000 });
    // 0 says that there is none, and is said of the parent's too.
    const none = ruleOf(
      parent,
      route({ [`${R}limit`]: "0", [`${T}idle`]: "0" }),
    );
    expect(none).toMatchObject({ timeouts: NO_TIMEOUTS, retry: null });
  },
);

test("the default route has what its Service is annotated with", () => {
  expect(ruleOf(web({ [`${R}http`]: "gateway-error", [`${T}request`]: "1s" })))
    .toMatchObject({
      timeouts: { requestMs: 1_000 },
      retry: { limit: 1, conditions: [{ start: 502, end: 504 }] },
    });
});

test("timeouts of a rule are Gateway API's durations or Go's; an annotation comes before them", () => {
  const rule = (apiVersion: string, timeouts: object, annotations = {}) =>
    ruleOf(
      web({ [`${T}idle`]: "1m" }),
      clientRoute("HTTPRoute", "r", [{ timeouts }], {
        apiVersion,
        annotations,
      }),
    ).timeouts;
  const gateway = "gateway.networking.k8s.io/v1";
  const policy = "policy.linkerd.io/v1beta3";
  expect(rule(gateway, { request: "1m30s", backendRequest: "500ms" }))
    .toEqual({ requestMs: 90_000, responseMs: 500, idleMs: null });
  expect(rule(policy, { request: "1.5s" }))
    .toEqual({ ...NO_TIMEOUTS, requestMs: 1_500 });
  expect(rule(gateway, { request: "0s" })).toEqual(NO_TIMEOUTS);
  const annotations = { [`${T}request`]: "5s" };
  expect(rule(gateway, { request: "2s", backendRequest: "1s" }, annotations))
    .toEqual({ requestMs: 5_000, responseMs: 1_000, idleMs: null });
});

test("retries of a rule are those of GEP-1731; an annotation comes before them", () => {
  const rule = (retry: object, annotations = {}) =>
    ruleOf(
      web({ [`${R}limit`]: "9" }),
      clientRoute("HTTPRoute", "r", [{ retry }], { annotations }),
    ).retry;
  expect(rule({ attempts: 3, codes: [500, 503], backoff: "1s" })).toEqual({
    limit: 3,
    timeoutMs: null,
    conditions: [{ start: 500, end: 500 }, { start: 503, end: 503 }],
    maxBodyBytes: 65_536,
    backOff: { minMs: 1_000, maxMs: 1_000, jitter: 1 },
  });
  expect(rule({})).toMatchObject({
    limit: 1,
    conditions: [{ start: 502, end: 504 }],
    backOff: { minMs: 25, maxMs: 250 },
  });
  expect(rule({ attempts: 0 })).toBeNull();
  expect(rule({ attempts: 3 }, { [`${R}limit`]: "2" })).toMatchObject({
    limit: 2,
  });
});

const B = "balancer.linkerd.io/failure-accrual";
const A = "balancer.alpha.linkerd.io/";
const accrualOf = (
  annotations: Annotations,
  ...more: Record<string, unknown>[]
) => {
  const { protocol } = toldOf(indexOf([web(annotations), ...more]));
  switch (protocol.kind) {
    case "detect":
      return protocol.http.accrual;
    case "grpc":
      return protocol.grpc.accrual;
    default:
      throw new Error(`routes were expected, not ${protocol.kind}`);
  }
};
const CONSECUTIVE: FailureAccrual = {
  kind: "consecutive",
  maxFailures: 7,
  backOff: { minMs: 1_000, maxMs: 60_000, jitter: 0.5 },
};
const UNIFIED: FailureAccrual = {
  ...CONSECUTIVE,
  kind: "unified",
  successRate: 0.8,
  windowMs: 10_000,
  minRequests: 5,
  heedsRetryAfter: false,
};

test("failure accrual is as its annotations say, with Linkerd's defaults", () => {
  const cases: [annotations: Annotations, expected: FailureAccrual | null][] = [
    [{}, null],
    [{ [`${B}-consecutive-max-failures`]: "3" }, null],
    [{ [B]: "consecutive" }, CONSECUTIVE],
    [{
      [B]: "consecutive",
      [`${B}-consecutive-max-failures`]: "8",
      [`${B}-consecutive-min-penalty`]: "10s",
      [`${B}-consecutive-max-penalty`]: "10m",
      [`${B}-consecutive-jitter-ratio`]: "1.5",
    }, {
      kind: "consecutive",
      maxFailures: 8,
      backOff: { minMs: 10_000, maxMs: 600_000, jitter: 1.5 },
    }],
    [{
      [B]: "consecutive",
      [`${B}-consecutive-min-penalty`]: "2s",
    }, {
      ...CONSECUTIVE,
      backOff: { ...CONSECUTIVE.backOff, minMs: 2_000 },
    }],
    // Only of the other mode, and not an error here.
    [
      {
        [B]: "consecutive",
        [`${A}failure-accrual-success-rate-threshold`]: "7",
        [`${A}failure-accrual-honor-retry-after`]: "true",
      },
      CONSECUTIVE,
    ],
    [{ [B]: "unified" }, UNIFIED],
    [{
      [B]: "unified",
      [`${B}-consecutive-max-failures`]: "0",
      [`${A}failure-accrual-success-rate-threshold`]: "0.5",
      [`${A}failure-accrual-success-rate-window`]: "30s",
      [`${A}failure-accrual-success-rate-min-requests`]: "50",
      [`${A}failure-accrual-honor-retry-after`]: "T",
    }, {
      ...UNIFIED,
      maxFailures: 0,
      successRate: 0.5,
      windowMs: 30_000,
      minRequests: 50,
      heedsRetryAfter: true,
    }],
  ];
  for (const [annotations, expected] of cases) {
    expect({ annotations, accrual: accrualOf(annotations) })
      .toEqual({ annotations, accrual: expected });
  }
  const route = clientRoute("GRPCRoute", "r", [{}]);
  expect(accrualOf({ [B]: "consecutive" }, route)).toEqual(CONSECUTIVE);
});

const loadsOf = (
  annotations: Annotations,
  ...more: Record<string, unknown>[]
) =>
  requestRoutes(toldOf(indexOf([web(annotations), ...more])))
    .flatMap(({ rules }) => rules)
    .flatMap(({ backends }) => backends.backends)
    .map(({ backend }) => backend.kind === "balancer" && backend.load.penalty);

test("penalties cover all backends of a parent, and those of a backend's own annotations none", () => {
  const on = { [`${A}penalize-failures`]: "true" };
  const penalty = { penaltyMs: 5_000, maxRetryAfterMs: 300_000 };
  const other = serviceManifest("web-2", "10.43.0.2", {
    annotations: { ...on, [B]: "consecutive" },
  });
  const backendRefs = [{ name: "web", port: 80 }, { name: "web-2", port: 80 }];
  expect(loadsOf({})).toEqual([null]);
  expect(loadsOf(on)).toEqual([penalty]);
  for (const kind of ["HTTPRoute", "GRPCRoute"] as const) {
    const route = clientRoute(kind, "r", [{ backendRefs }]);
    expect(loadsOf(on, other, route)).toEqual([penalty, penalty]);
    expect(loadsOf({}, other, route)).toEqual([null, null]);
    expect(accrualOf({}, other, route)).toBeNull();
  }
  const set = {
    ...on,
    [`${A}load-biaser-penalty`]: "2s",
    [`${A}load-biaser-max-retry-after`]: "1m",
  };
  expect(loadsOf(set)).toEqual([{ penaltyMs: 2_000, maxRetryAfterMs: 60_000 }]);
  expect(loadsOf({ ...set, [`${A}penalize-failures`]: "F" })).toEqual([null]);
  expect(loadsOf({ ...set, [B]: "consecutive" })).toHaveLength(1);
});

test("nothing is penalised where bytes are not parsed, or go out of the cluster", () => {
  const on = { [`${A}penalize-failures`]: "1" };
  for (const app of [{ appProtocol: "linkerd.io/opaque" }, {}]) {
    const ports = [{ name: "http", port: 80, ...app }];
    const { protocol } = toldOf(indexOf([web(on, { ports })]));
    if (!("opaque" in protocol)) throw new Error("bytes were expected");
    expect(protocol.opaque.rule?.backends.backends).toMatchObject([
      { backend: { load: { penalty: null } } },
    ]);
  }
  const index = indexOf([
    web(),
    policyManifest("EgressNetwork", "out", { trafficPolicy: "Allow" }, {
      annotations: { ...on, [B]: "consecutive" },
    }),
    clientRoute("HTTPRoute", "r", [{
      backendRefs: [{ name: "web", port: 80 }],
    }], {
      parentRefs: [{
        group: "policy.linkerd.io",
        kind: "EgressNetwork",
        name: "out",
        port: 443,
      }],
    }),
  ]);
  expect(toldOf(index, { ip: "203.0.113.7", port: 443 }).protocol)
    .toMatchObject({
      http: {
        accrual: CONSECUTIVE,
        routes: [{
          rules: [{
            backends: { backends: [{ backend: { load: { penalty: null } } }] },
          }],
        }, {}],
      },
    });
});

test("of a parent, a group of annotations that cannot be meant has no effect, the others do, and it is said", () => {
  const good = {
    [B]: "consecutive",
    [`${A}penalize-failures`]: "true",
    [`${T}request`]: "1s",
    [`${R}limit`]: "2",
  };
  const all = (annotations: Annotations) => {
    const index = indexOf([]);
    const { warnings } = index.apply(applies(web({ ...good, ...annotations })));
    const { protocol } = toldOf(index);
    if (protocol.kind !== "detect") throw new Error("detection was expected");
    const rule = protocol.http.routes[0]?.rules[0];
    const backend = rule?.backends.backends[0]?.backend;
    const load = backend?.kind === "balancer" ? backend.load : null;
    return {
      held: [
        protocol.http.accrual !== null && "accrual",
        load?.penalty !== null && "penalty",
        rule?.timeouts.requestMs !== null && "timeouts",
        rule?.retry !== null && "retry",
      ].filter(Boolean),
      warnings,
    };
  };
  const cases: [annotation: string, value: string, lost: string][] = [
    [B, "sometimes", "accrual"],
    [`${B}-consecutive-max-failures`, "-1", "accrual"],
    [`${B}-consecutive-max-failures`, "0", "accrual"],
    [`${B}-consecutive-min-penalty`, "61s", "accrual"],
    [`${B}-consecutive-max-penalty`, "0", "accrual"],
    [`${B}-consecutive-jitter-ratio`, "101", "accrual"],
    [`${A}penalize-failures`, "yes", "penalty"],
    [`${A}load-biaser-penalty`, "50d", "penalty"],
    [`${T}request`, "1h30m", "timeouts"],
    [`${T}idle`, "1", "timeouts"],
    [`${T}response`, "-1s", "timeouts"],
    [`${R}limit`, "65536", "retry"],
    [`${R}http`, "5xx, 404", "retry"],
    [`${R}http`, "600", "retry"],
    [`${R}http`, "504-500", "retry"],
    [`${R}timeout`, "1.5s", "retry"],
  ];
  const whole = ["accrual", "penalty", "timeouts", "retry"];
  expect(all({})).toEqual({ held: whole, warnings: [] });
  for (const [annotation, value, lost] of cases) {
    const { held, warnings } = all({ [annotation]: value });
    expect({ annotation, value, held }).toEqual({
      annotation,
      value,
      held: whole.filter((one) => one !== lost),
    });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(
      `Service shop/web: metadata.annotations["${annotation}"] is "${value}", expected `,
    );
  }
});
