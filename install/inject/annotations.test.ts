import { expect, test } from "bun:test";
import { INJECTION_DEFAULTS } from "../../schemas/values/proxy-defaults.ts";
import {
  applyAnnotations,
  inheritedAnnotations,
  PROXY_ANNOTATIONS,
} from "./annotations.ts";
import { pod } from "./testing/pods.ts";

/** Annotation, a good value and where it ends up, a value that is refused. */
const CASES: readonly (readonly [string, string, string, unknown, string])[] = [
  ["linkerd.io/inject", "ingress", "proxy.isIngress", true, "maybe"],
  [
    "config.linkerd.io/proxy-image",
    "example.com:5000/mesh/proxy",
    "proxy.image.name",
    "example.com:5000/mesh/proxy",
    "proxy:1.0",
  ],
  [
    "config.linkerd.io/proxy-version",
    "v1.2.3",
    "proxy.image.version",
    "v1.2.3",
    "no spaces",
  ],
  [
    "config.linkerd.io/image-pull-policy",
    "Always",
    "proxy.image.pullPolicy",
    "Always",
    "always",
  ],
  [
    "config.linkerd.io/debug-image",
    "example.com/debug",
    "debugContainer.image.name",
    "example.com/debug",
    "a b",
  ],
  [
    "config.linkerd.io/debug-image-version",
    "1",
    "debugContainer.image.version",
    "1",
    "",
  ],
  [
    "config.linkerd.io/debug-image-pull-policy",
    "Never",
    "debugContainer.image.pullPolicy",
    "Never",
    "sometimes",
  ],
  ["config.linkerd.io/control-port", "5190", "proxy.ports.control", 5190, "0"],
  ["config.linkerd.io/admin-port", "5191", "proxy.ports.admin", 5191, "65536"],
  [
    "config.linkerd.io/inbound-port",
    "5143",
    "proxy.ports.inbound",
    5143,
    "http",
  ],
  [
    "config.linkerd.io/outbound-port",
    "5140",
    "proxy.ports.outbound",
    5140,
    "-1",
  ],
  [
    "config.linkerd.io/pod-inbound-ports",
    "80,443",
    "proxy.podInboundPorts",
    "80,443",
    "80;443",
  ],
  [
    "config.linkerd.io/skip-inbound-ports",
    "25, 30-40",
    "proxyInit.ignoreInboundPorts",
    "25,30-40",
    "40-30",
  ],
  [
    "config.linkerd.io/skip-outbound-ports",
    "",
    "proxyInit.ignoreOutboundPorts",
    "",
    "70000",
  ],
  [
    "config.linkerd.io/skip-subnets",
    "10.0.0.0/8,fd00::/8",
    "proxyInit.skipSubnets",
    "10.0.0.0/8,fd00::/8",
    "10.0.0.0/33",
  ],
  [
    "config.linkerd.io/opaque-ports",
    "3306,db,unknown",
    "proxy.opaquePorts",
    "3306,5432",
    "Bad_Name",
  ],
  [
    "config.linkerd.io/proxy-cpu-request",
    "1500m",
    "proxy.runtime.workers.minimum",
    2,
    "much",
  ],
  [
    "config.linkerd.io/proxy-cpu-limit",
    "3",
    "proxy.runtime.workers.maximum",
    3,
    "3 cores",
  ],
  [
    "config.linkerd.io/proxy-cpu-ratio-limit",
    "0.5",
    "proxy.runtime.workers.maximumCPURatio",
    0.5,
    "1",
  ],
  [
    "config.linkerd.io/proxy-memory-request",
    "64Mi",
    "proxy.resources.memory.request",
    "64Mi",
    "64MB",
  ],
  [
    "config.linkerd.io/proxy-memory-limit",
    "1e9",
    "proxy.resources.memory.limit",
    "1e9",
    "-1",
  ],
  [
    "config.linkerd.io/proxy-ephemeral-storage-request",
    "1Gi",
    "proxy.resources.ephemeral-storage.request",
    "1Gi",
    "one",
  ],
  [
    "config.linkerd.io/proxy-ephemeral-storage-limit",
    "2Gi",
    "proxy.resources.ephemeral-storage.limit",
    "2Gi",
    "1,5Gi",
  ],
  ["config.linkerd.io/proxy-uid", "3000", "proxy.uid", 3000, "root"],
  ["config.linkerd.io/proxy-gid", "3001", "proxy.gid", 3001, "-1"],
  [
    "config.linkerd.io/proxy-log-level",
    "debug,linkerd=trace",
    "proxy.logLevel",
    "debug,linkerd=trace",
    "",
  ],
  [
    "config.linkerd.io/proxy-log-format",
    "json",
    "proxy.logFormat",
    "json",
    "xml",
  ],
  [
    "config.linkerd.io/proxy-log-http-headers",
    "insecure",
    "proxy.logHTTPHeaders",
    "insecure",
    "on",
  ],
  [
    "config.linkerd.io/access-log",
    "apache",
    "proxy.accessLog",
    "apache",
    "nginx",
  ],
  [
    "config.linkerd.io/proxy-admin-shutdown",
    "enabled",
    "proxy.enableShutdownEndpoint",
    true,
    "true",
  ],
  [
    "config.linkerd.io/enable-external-profiles",
    "T",
    "proxy.enableExternalProfiles",
    true,
    "yes",
  ],
  [
    "config.linkerd.io/enable-gateway",
    "true",
    "proxy.isGateway",
    true,
    "enabled",
  ],
  [
    "config.linkerd.io/proxy-require-identity-inbound-ports",
    "80",
    "proxy.requireIdentityOnInboundPorts",
    "80",
    "http",
  ],
  [
    "config.linkerd.io/default-inbound-policy",
    "deny",
    "proxy.defaultInboundPolicy",
    "deny",
    "allow",
  ],
  [
    "config.linkerd.io/proxy-metrics-hostname-labels",
    "1",
    "proxy.metrics.hostnameLabels",
    true,
    "2",
  ],
  [
    "config.linkerd.io/proxy-outbound-connect-timeout",
    "1m30s",
    "proxy.outboundConnectTimeout",
    "90000ms",
    "90",
  ],
  [
    "config.linkerd.io/proxy-inbound-connect-timeout",
    "0.5s",
    "proxy.inboundConnectTimeout",
    "500ms",
    "-1s",
  ],
  [
    "config.linkerd.io/proxy-outbound-discovery-cache-unused-timeout",
    "1m",
    "proxy.outboundDiscoveryCacheUnusedTimeout",
    "60s",
    "1 minute",
  ],
  [
    "config.linkerd.io/proxy-inbound-discovery-cache-unused-timeout",
    "90500ms",
    "proxy.inboundDiscoveryCacheUnusedTimeout",
    "90s",
    "x",
  ],
  [
    "config.linkerd.io/proxy-disable-outbound-protocol-detect-timeout",
    "true",
    "proxy.disableOutboundProtocolDetectTimeout",
    true,
    "no",
  ],
  [
    "config.linkerd.io/proxy-disable-inbound-protocol-detect-timeout",
    "true",
    "proxy.disableInboundProtocolDetectTimeout",
    true,
    "no",
  ],
  [
    "config.linkerd.io/shutdown-grace-period",
    "2h",
    "proxy.shutdownGracePeriod",
    "7200000ms",
    "2d",
  ],
  ["config.linkerd.io/proxy-await", "disabled", "proxy.await", false, "false"],
  [
    "config.linkerd.io/proxy-enable-native-sidecar",
    "false",
    "proxy.nativeSidecar",
    false,
    "disabled",
  ],
  [
    "config.beta.linkerd.io/proxy-enable-native-sidecar",
    "false",
    "proxy.nativeSidecar",
    false,
    "disabled",
  ],
  [
    "config.alpha.linkerd.io/proxy-enable-native-sidecar",
    "false",
    "proxy.nativeSidecar",
    false,
    "disabled",
  ],
  [
    "config.alpha.linkerd.io/proxy-wait-before-exit-seconds",
    "30",
    "proxy.waitBeforeExitSeconds",
    30,
    "30s",
  ],
  [
    "config.linkerd.io/close-wait-timeout",
    "1m",
    "proxyInit.closeWaitTimeoutSecs",
    60,
    "60",
  ],
  [
    "config.linkerd.io/proxy-additional-env",
    '[{"name":"A","value":"1"}]',
    "proxy.additionalEnv",
    [{ name: "A", value: "1" }],
    '{"A":1}',
  ],
];

const spec = {
  containers: [{ name: "web", ports: [{ name: "db", containerPort: 5432 }] }],
};

for (const [key, good, path, wanted, bad] of CASES) {
  test(`${key} is read into ${path}, and ${JSON.stringify(bad)} refused`, () => {
    const { values } = applyAnnotations(
      INJECTION_DEFAULTS,
      pod({ annotations: { [key]: good } }, spec),
    );
    const found = path.split(".").reduce<unknown>(
      (at, step) => (at as Record<string, unknown>)[step],
      values,
    );
    expect(found).toEqual(wanted);
    expect(() =>
      applyAnnotations(
        INJECTION_DEFAULTS,
        pod({ annotations: { [key]: bad } }, spec),
      )
    ).toThrow(`annotation ${key} is ${JSON.stringify(bad)}, expected `);
  });
}

test("every annotation that is understood is among the cases above", () => {
  const tested = [
    ...CASES.map(([key]) => key),
    "config.linkerd.io/enable-debug-sidecar",
    "resource.opentelemetry.io/<name>",
  ];
  expect(PROXY_ANNOTATIONS.map(({ key }) => key).sort()).toEqual(tested.sort());
});

test("applyAnnotations() says all mistakes at once", () => {
  const annotations = {
    "config.linkerd.io/proxy-uid": "x",
    "config.linkerd.io/admin-port": "y",
  };
  expect(() => applyAnnotations(INJECTION_DEFAULTS, pod({ annotations })))
    .toThrow(
      'annotation config.linkerd.io/admin-port is "y", expected a port number from 1 to 65535; annotation config.linkerd.io/proxy-uid is "x", expected a numeric id of 0 or more',
    );
});

test("applyAnnotations() prefers the pod's word to the namespace's, and inherits only what is inherited", () => {
  const { values } = applyAnnotations(
    INJECTION_DEFAULTS,
    pod({ annotations: { "config.linkerd.io/proxy-uid": "1" } }),
    {
      "config.linkerd.io/proxy-uid": "2",
      "config.linkerd.io/proxy-gid": "3",
      "config.linkerd.io/enable-gateway": "true",
    },
  );
  const { uid, gid, isGateway } = values.proxy;
  expect({ uid, gid, isGateway }).toEqual({ uid: 1, gid: 3, isGateway: false });
});

test("the stable name of native sidecars beats beta, and beta alpha", () => {
  const native = (...on: string[]) =>
    applyAnnotations(
      INJECTION_DEFAULTS,
      pod({
        annotations: Object.fromEntries(
          ["config", "config.beta", "config.alpha"].map((prefix, at) =>
            [
              `${prefix}.linkerd.io/proxy-enable-native-sidecar`,
              on[at] ?? "",
            ] as const
          ).filter(([, word]) => word !== ""),
        ),
      }),
    ).values.proxy.nativeSidecar;
  expect(native("true", "false", "false")).toBe(true);
  expect(native("", "false", "true")).toBe(false);
});

test("additional environment adds up from install, namespace and pod, by name", () => {
  const key = "config.linkerd.io/proxy-additional-env";
  const list = (...entries: [string, string][]) =>
    entries.map(([name, value]) => ({ name, value }));
  const values = {
    ...INJECTION_DEFAULTS,
    proxy: {
      ...INJECTION_DEFAULTS.proxy,
      additionalEnv: list(["A", "install"], ["B", "install"]),
    },
  };
  const merged = applyAnnotations(
    values,
    pod({ annotations: { [key]: JSON.stringify(list(["C", "pod"])) } }),
    { [key]: JSON.stringify(list(["B", "namespace"], ["C", "namespace"])) },
  );
  expect(merged.values.proxy.additionalEnv).toEqual(
    list(["A", "install"], ["B", "namespace"], ["C", "pod"]),
  );
});

test("trace attributes are the install's, the service's name, and the pod's own, later ones winning", () => {
  const labelled = (annotations: Record<string, string>) =>
    applyAnnotations(
      INJECTION_DEFAULTS,
      pod({ labels: { "app.kubernetes.io/name": "web" }, annotations }),
      { "resource.opentelemetry.io/team": "not inherited" },
    ).values.proxy.tracing.labels;
  const usual = INJECTION_DEFAULTS.proxy.tracing.labels;
  expect(labelled({})).toEqual({ ...usual, "service.name": "web" });
  expect(labelled({
    "resource.opentelemetry.io/team": "shop",
    "resource.opentelemetry.io/service.name": "front",
  })).toEqual({ ...usual, "service.name": "front", team: "shop" });
  expect(() =>
    labelled({ "resource.opentelemetry.io/team": "shop\nhost.name=other" })
  ).toThrow(
    'annotation resource.opentelemetry.io/team is "shop\\nhost.name=other", expected text on one line',
  );
});

test("applyAnnotations() leaves the values it was given alone", () => {
  const before = structuredClone(INJECTION_DEFAULTS);
  applyAnnotations(
    INJECTION_DEFAULTS,
    pod({ annotations: { "config.linkerd.io/proxy-uid": "1" } }),
  );
  expect(INJECTION_DEFAULTS).toEqual(before);
});

test("inheritedAnnotations() copies what the pod does not have", () => {
  const around = {
    "config.linkerd.io/proxy-uid": "1",
    "config.linkerd.io/proxy-gid": "2",
    "config.linkerd.io/debug-image": "x",
    "example.com/other": "y",
  };
  expect(inheritedAnnotations(around, { "config.linkerd.io/proxy-uid": "9" }))
    .toEqual({ "config.linkerd.io/proxy-gid": "2" });
});
