import { expect, test } from "bun:test";
import { parseManifest } from "../manifest.ts";

const GATEWAY = "gateway.networking.k8s.io";
const WEB = { kind: "Service", name: "web" };
const EGRESS = {
  group: "policy.linkerd.io",
  kind: "EgressNetwork",
  name: "out",
};

interface Manifest {
  readonly kind: string;
  readonly apiVersion?: string;
  readonly spec: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What the first mistake of an object says; null: it has none. */
function mistakeOf({ kind, apiVersion, spec, annotations }: Manifest) {
  try {
    parseManifest({
      apiVersion: apiVersion ?? `${GATEWAY}/v1`,
      kind,
      metadata: {
        name: "r",
        namespace: "shop",
        ...annotations && { annotations },
      },
      spec,
    });
    return null;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

const http = (rule: object, more: object = {}) => ({
  kind: "HTTPRoute",
  spec: { parentRefs: [WEB], rules: [rule] },
  ...more,
});
const annotated = (kind: string, key: string, value: string) => ({
  kind,
  spec: { parentRefs: [WEB] },
  annotations: { [key]: value },
});
const policy = { apiVersion: "policy.linkerd.io/v1beta3" };
const times = (count: number) => Array.from({ length: count }, () => ({}));

test.each<[Manifest, string | null]>([
  [http({ backendRefs: [{ name: "web", port: 80, weight: 0 }] }), null],
  [http({ filters: [{ type: "RequestMirror" }] }), null],
  [http({ filters: [{ type: "URLRewrite" }] }), null],
  [http({ filters: [{ type: "ExtensionRef" }] }), null],
  [http({ backendRefs: [{ group: "a.b", kind: "Odd", name: "x" }] }), null],
  [
    http({ backendRefs: [{ name: "web" }] }),
    "spec.rules[0].backendRefs[0].port is missing, expected a port of the Service",
  ],
  [
    http({
      backendRefs: [{ name: "a", port: 1 }, { kind: "Service", name: "b" }],
    }),
    "spec.rules[0].backendRefs[1].port",
  ],
  [http({ backendRefs: [{ name: "a", port: 0 }] }), "backendRefs[0].port is 0"],
  [
    http({ backendRefs: [{ name: "a", port: 1, weight: -1 }] }),
    "spec.rules[0].backendRefs[0].weight is -1, expected a whole number from 0 to 1000000",
  ],
  [
    http({
      backendRefs: [{
        name: "a",
        port: 1,
        filters: [{
          type: "ResponseHeaderModifier",
          responseHeaderModifier: { remove: ["a b"] },
        }],
      }],
    }),
    "backendRefs[0].filters[0].responseHeaderModifier.remove[0]",
  ],
  [
    http({ matches: [{ path: { value: "a" } }] }),
    "spec.rules[0].matches[0].path.value",
  ],
  [
    http({
      filters: [{
        type: "RequestRedirect",
        requestRedirect: {
          path: { type: "ReplaceFullPath", replaceFullPath: "a" },
        },
      }],
    }),
    "requestRedirect.path.replaceFullPath",
  ],
  [http({ timeouts: { request: "1h30m", backendRequest: "10s" } }), null],
  [http({ timeouts: { request: "0s", backendRequest: "10s" } }), null],
  [
    http({ timeouts: { request: "1.5s" } }),
    'timeouts.request is "1.5s", expected a duration as of GEP-2257',
  ],
  [http({ timeouts: { request: "1.5s" } }, policy), null],
  [
    http({ timeouts: { request: "-1s" } }, policy),
    "spec.rules[0].timeouts.request",
  ],
  [
    http({ timeouts: { request: "1s", backendRequest: "2s" } }),
    'spec.rules[0].timeouts.backendRequest is "2s", expected at most spec.rules[0].timeouts.request (1s)',
  ],
  [http({ retry: { attempts: 2, codes: [500], backoff: "100ms" } }), null],
  [http({ retry: { codes: [200] } }), "spec.rules[0].retry.codes[0] is 200"],
  [http({ retry: { attempts: -1 } }), "spec.rules[0].retry.attempts is -1"],
  [http({ retry: { backoff: "soon" } }), "spec.rules[0].retry.backoff"],
  // An HTTPRoute on a Server is not about any of that.
  [
    {
      kind: "HTTPRoute",
      spec: {
        parentRefs: [{ group: "policy.linkerd.io", kind: "Server", name: "s" }],
        rules: [{ backendRefs: [{ name: "web" }], timeouts: { request: "?" } }],
      },
      annotations: { "timeout.linkerd.io/request": "?" },
    },
    null,
  ],
  [annotated("HTTPRoute", "retry.linkerd.io/http", "5xx,gateway-error"), null],
  [
    annotated("HTTPRoute", "retry.linkerd.io/http", "5xx 404"),
    'metadata.annotations["retry.linkerd.io/http"] is "5xx 404", expected statuses',
  ],
  [annotated("HTTPRoute", "retry.linkerd.io/grpc", "?"), null],
  [annotated("GRPCRoute", "retry.linkerd.io/http", "?"), null],
  [annotated("GRPCRoute", "retry.linkerd.io/grpc", "internal"), null],
  [
    annotated("GRPCRoute", "retry.linkerd.io/grpc", "aborted"),
    'metadata.annotations["retry.linkerd.io/grpc"] is "aborted"',
  ],
  [
    annotated("GRPCRoute", "retry.linkerd.io/limit", "many"),
    'metadata.annotations["retry.linkerd.io/limit"] is "many", expected a whole number from 0 to 65535',
  ],
  [
    annotated("HTTPRoute", "timeout.linkerd.io/idle", "1.5s"),
    "timeout.linkerd.io/idle",
  ],
  [
    annotated("HTTPRoute", "retry.linkerd.io/timeout", "1"),
    "retry.linkerd.io/timeout",
  ],
])("a route of clients: %j", (manifest, says) => {
  if (says === null) expect(mistakeOf(manifest)).toBeNull();
  else expect(mistakeOf(manifest) ?? "no mistake").toContain(says);
});

test.each(["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"])(
  "%s: an EgressNetwork is called by a port",
  (kind) => {
    const apiVersion = kind.startsWith("T")
      ? `${GATEWAY}/v1alpha2`
      : `${GATEWAY}/v1`;
    const route = (parent: object) =>
      mistakeOf({
        kind,
        apiVersion,
        spec: { parentRefs: [parent], rules: [{}] },
      });
    expect(route({ ...EGRESS, port: 443 })).toBeNull();
    expect(route(EGRESS) ?? "no mistake")
      .toContain("spec.parentRefs[0].port is missing, expected a port");
  },
);

test.each(["TLSRoute", "TCPRoute"])("%s: one rule", (kind) => {
  const rules = (count: number) =>
    mistakeOf({
      kind,
      apiVersion: `${GATEWAY}/v1alpha2`,
      spec: { parentRefs: [WEB], rules: times(count) },
    });
  expect(rules(1)).toBeNull();
  for (const count of [0, 2]) {
    expect(rules(count) ?? "no mistake").toContain(
      "spec.rules is a list, expected one rule",
    );
  }
});

test("lists are as long as Gateway API lets them be, and the field that is longer is named", () => {
  const refs = (count: number) =>
    times(count).map(() => ({ name: "web", port: 80 }));
  const cases: [Manifest, string][] = [
    [
      { kind: "HTTPRoute", spec: { parentRefs: [WEB], rules: times(1_000) } },
      "spec.rules has 1000 entries, expected 16 at most",
    ],
    [http({ matches: times(65) }), "spec.rules[0].matches has 65 entries"],
    [
      http({ backendRefs: refs(17) }),
      "spec.rules[0].backendRefs has 17 entries",
    ],
    [
      http({ filters: times(17).map(() => ({ type: "ExtensionRef" })) }),
      "spec.rules[0].filters has 17 entries",
    ],
    [
      {
        kind: "GRPCRoute",
        spec: { parentRefs: Array.from({ length: 33 }, () => WEB) },
      },
      "spec.parentRefs has 33 entries, expected 32 at most",
    ],
    [
      {
        kind: "GRPCRoute",
        spec: {
          parentRefs: [WEB],
          hostnames: Array.from({ length: 17 }, () => "a"),
        },
      },
      "spec.hostnames has 17 entries",
    ],
  ];
  for (const [manifest, says] of cases) {
    expect(mistakeOf(manifest) ?? "no mistake").toContain(says);
  }
  expect(mistakeOf(http({ matches: times(64), backendRefs: refs(16) })))
    .toBeNull();
});

test("an EgressNetwork names networks that can be read, or none at all", () => {
  const egress = (spec: object) =>
    mistakeOf({
      kind: "EgressNetwork",
      apiVersion: "policy.linkerd.io/v1alpha1",
      spec,
    });
  const trafficPolicy = "Allow";
  expect(egress({ trafficPolicy })).toBeNull();
  expect(egress({ trafficPolicy, networks: [{ cidr: "192.0.2.0/24" }] }))
    .toBeNull();
  for (
    const [spec, says] of [
      [{}, "spec.trafficPolicy is missing"],
      [{ trafficPolicy: "Maybe" }, "spec.trafficPolicy"],
      [
        { trafficPolicy, networks: [] },
        "spec.networks is a list, expected at least one",
      ],
      [{ trafficPolicy, networks: [{ cidr: "a" }] }, "spec.networks[0].cidr"],
      [{ trafficPolicy, network: [] }, "spec.network"],
    ] as const
  ) expect(egress(spec) ?? "no mistake").toContain(says);
});

test("a ReferenceGrant with a field that nobody knows grants nothing", () => {
  const grant = (to: object) =>
    mistakeOf({
      kind: "ReferenceGrant",
      apiVersion: `${GATEWAY}/v1beta1`,
      spec: {
        from: [{ group: GATEWAY, kind: "HTTPRoute", namespace: "shop" }],
        to: [to],
      },
    });
  expect(grant({ group: "", kind: "Service", name: "web" })).toBeNull();
  expect(grant({ group: "", kind: "Service", nam: "web" }) ?? "no mistake")
    .toContain("spec.to[0].nam");
});
