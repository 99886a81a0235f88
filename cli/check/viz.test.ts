// What check says of the metrics component, and of what comes in from proxies.
import { expect, test } from "bun:test";
import { makeServer } from "../certificates/make.ts";
import { ApiError, type ApiRequest } from "../cluster.ts";
import { type FakeObject } from "./testing/cluster.ts";
import {
  base64,
  type Case,
  changed,
  DAY_MS,
  error,
  look,
  MESH,
  meshed,
  NOW,
} from "./testing/look.ts";
import { MODES } from "./modes.ts";
import { createScene } from "./scene.ts";
import { fakeCluster } from "./testing/cluster.ts";

const TAP = "v1alpha1.tap.linkerd.io";
const VIZ = "v1alpha1.viz.linkerd.io";

test("what of the component is missing is named", async () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    [
      "linkerd-viz Namespace exists",
      "Namespace",
      "linkerd",
      'The "linkerd" namespace does not exist',
    ],
    [
      "can initialize the client",
      "Deployment",
      "linkerd-metrics",
      'deployments.apps "linkerd-metrics" not found in namespace "linkerd"\nbring it with: linkerd upgrade | kubectl apply -f -',
    ],
    [
      "can initialize the client",
      "APIService",
      VIZ,
      `missing APIServices: ${VIZ}`,
    ],
    [
      "linkerd-viz ClusterRoles exist",
      "ClusterRole",
      "linkerd-linkerd-tap-admin",
      "missing ClusterRoles: linkerd-linkerd-tap-admin",
    ],
    [
      "linkerd-viz ClusterRoleBindings exist",
      "ClusterRoleBinding",
      "linkerd-linkerd-metrics-auth-delegator",
      "missing ClusterRoleBindings: linkerd-linkerd-metrics-auth-delegator",
    ],
    [
      "tap API server has valid cert",
      "Secret",
      "linkerd-metrics-k8s-tls",
      'Secret "linkerd-metrics-k8s-tls" with key tls.crt not found in namespace "linkerd"',
    ],
    [
      "viz extension pods are running",
      "Pod",
      "linkerd-metrics-abc",
      "Could not find pods for deployment linkerd-metrics",
    ],
  ];
  for (const [check, kind, name, wanted] of cases) {
    const objects = changed(kind, name, null);
    expect(await error(check, { objects }), `${kind} ${name}`).toBe(wanted);
  }
});

test("the API server's trust and what the component shows belong together", async () => {
  const valid = "tap API server has valid cert";
  const stranger = makeServer("linkerd-metrics.linkerd.svc", NOW);
  const bundle = { spec: { caBundle: base64(stranger.crtPEM) } };
  expect(await error(valid, { objects: changed("APIService", VIZ, bundle) }))
    .toContain(
      `${VIZ}: cert is not issued by the trust anchor: no chain leads from`,
    );
  expect(await error(valid, { nowMs: NOW + 3_650 * DAY_MS })).toContain(
    `${TAP}: anchors not within their validity period:`,
  );
  const soon = "tap API server cert is valid for at least 60 days";
  expect(await error(soon, { nowMs: NOW + 330 * DAY_MS })).toContain(
    `${TAP}: certificate will expire on `,
  );
});

test("an API server that does not reach the component says why", async () => {
  const conditions = [{
    type: "Available",
    status: "False",
    reason: "MissingEndpoints",
    message: "endpoints for service/linkerd-metrics have no addresses",
  }];
  const check = "tap API service is running";
  const objects = changed("APIService", TAP, { status: { conditions } });
  expect(await error(check, { objects })).toBe(
    `${TAP}: MissingEndpoints: endpoints for service/linkerd-metrics have no addresses`,
  );
  const unseen = changed("APIService", TAP, { status: { conditions: [] } });
  expect(await error(check, { objects: unseen })).toBe(
    `${TAP}: Unknown: nobody has looked yet`,
  );
});

test("pods of the component run, with a proxy that is ready", async () => {
  const bare = changed("Pod", "linkerd-metrics-abc", {
    spec: { containers: [{ name: "metrics" }], initContainers: [] },
    status: {
      containerStatuses: [{ name: "metrics", ready: false }],
      initContainerStatuses: [],
    },
  });
  const of = (check: string) => error(check, { objects: bare });
  expect(await of("linkerd-viz pods are injected")).toBe(
    "could not find proxy container for linkerd-metrics-abc pod",
  );
  expect(await of("viz extension pods are running")).toBe(
    'pod "linkerd-metrics-abc" has containers that are not ready',
  );
  expect(await of("viz extension proxies are healthy")).toBe(
    'container "linkerd-proxy" in pod "linkerd-metrics-abc" is not ready',
  );
  expect(
    await error("viz extension proxies and cli versions match", {
      settings: { cliVersion: "9.9.9" },
    }),
  ).toContain("but cli running 9.9.9");
});

/** What the component answers when it is asked about proxies. */
function answering(answer: () => unknown): Pick<Case, "answer"> {
  return {
    answer: ({ path }: ApiRequest) =>
      path.endsWith("/metrics/proxies") ? answer() : undefined,
  };
}

test("the self-check asks, and repeats what comes back instead of an answer", async () => {
  const check = "viz extension self-check";
  expect(await error(check, answering(() => ({ rows: [] })))).toContain(
    "No results returned",
  );
  const failing = (message: string) =>
    answering(() => {
      throw new ApiError(503, "ServiceUnavailable", message);
    });
  expect(await error(check, failing("cannot ask Prometheus at http://p")))
    .toBe(
      "Error calling Prometheus from the control plane: cannot ask Prometheus at http://p",
    );
  expect(await error(check, failing("nobody is there"))).toBe(
    "Error asking the metrics component: nobody is there",
  );
  expect(await error(check, answering(() => "<html>"))).toContain(
    "is not one of the metrics component",
  );
});

test("what Linkerd's own extension left is warned of", async () => {
  const left: FakeObject = {
    kind: "Namespace",
    metadata: { name: "old-viz", labels: { "linkerd.io/extension": "viz" } },
  };
  expect(
    await error("no viz extension of Linkerd is left", {
      objects: [...MESH, left],
    }),
  ).toContain("linkerd viz uninstall | kubectl delete -f -\n\t* old-viz");
});

/** A pod that lets in nobody by default. */
function shut(name: string, namespace: string): FakeObject {
  const env = [{
    name: "LINKERD2_PROXY_INBOUND_DEFAULT_POLICY",
    value: "deny",
  }];
  return meshed(name, {
    metadata: { namespace },
    spec: { containers: [{ name: "linkerd-proxy", env }] },
  });
}

function policy(namespace: string, account: string): FakeObject {
  return {
    kind: "AuthorizationPolicy",
    metadata: { name: "any", namespace },
    spec: {
      requiredAuthenticationRefs: [
        { kind: "ServiceAccount", name: account, namespace: "linkerd" },
      ],
    },
  };
}

test("pods that let nobody in need a policy for the component", async () => {
  const check = "prometheus is authorized to scrape data plane pods";
  const objects = [
    ...MESH,
    shut("a", "open"),
    policy("open", "linkerd-metrics"),
    shut("b", "shut"),
    policy("shut", "prometheus"),
    meshed("c", { metadata: { namespace: "shut" } }),
  ];
  expect(await error(check, { objects })).toBe(
    "prometheus may not be authorized to scrape the following pods:\n\t* shut/b\n" +
      "consider running `linkerd viz allow-scrapes` to authorize prometheus scrapes",
  );
  const inShut = { settings: { dataPlaneNamespace: "shut" }, objects };
  expect(await error(check, inShut)).toContain("\t* b\n");
});

test("pods of which nothing comes in are named", async () => {
  const check = "data plane proxy metrics are present in Prometheus";
  const objects = [meshed("loud"), meshed("mute"), meshed("unknown")];
  const row = { namespace: "default" };
  const rows = [
    { ...row, name: "loud", hasMetrics: true },
    { ...row, name: "mute", hasMetrics: false },
  ];
  const given = { objects, ...answering(() => ({ rows })) };
  expect(await look(check, given)).toEqual({
    kind: "failed",
    error: "Data plane metrics not found for default/mute, default/unknown.",
  });
  // A pod that lets nobody in will not send any, however long one waits.
  const alone = { ...given, objects: [shut("mute", "default")] };
  expect(await look(check, alone)).toMatchObject({ isLasting: true });
});

test("linkerd check looks at the component where there is one", async () => {
  const without = changed("Deployment", "linkerd-metrics", null);
  for (const mode of ["default", "proxy"] as const) {
    const ours = MODES[mode].filter(({ name }) => name.includes("viz"));
    expect(ours.map(({ name }) => name)).toEqual(
      mode === "default"
        ? ["linkerd-viz"]
        : ["linkerd-viz", "linkerd-viz-data-plane"],
    );
    for (const { checks } of ours) {
      for (const check of checks) {
        const scene = createScene({
          settings: {
            namespace: "linkerd",
            cniNamespace: "linkerd-cni",
            dataPlaneNamespace: undefined,
            cliVersion: "1",
            expectedVersion: undefined,
            cniEnabled: undefined,
          },
          nowMs: NOW,
          open: () => Promise.resolve(fakeCluster(without)),
          memory: new Map(),
          signal: new AbortController().signal,
        });
        expect(await check.run(scene)).toEqual({ kind: "skipped" });
      }
    }
  }
  expect(await look("viz extension self-check")).toEqual({ kind: "passed" });
});
