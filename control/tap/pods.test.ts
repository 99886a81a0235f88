import { expect, test } from "bun:test";
import type { Pod } from "../../schemas/kube.ts";
import { createKnownPods } from "./known.ts";
import { tapPodOf } from "./pods.ts";

const META = "viz.linkerd.io";

function pod(
  metadata: Partial<Pod["metadata"]> = {},
  rest: Partial<Pod> = {},
): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web-5d9c-x2x",
      namespace: "shop",
      labels: { "linkerd.io/control-plane-ns": "linkerd", app: "web" },
      ...metadata,
    },
    status: { phase: "Running", podIP: "10.0.0.1" },
    ...rest,
  } as Pod;
}

test("says whether a pod can be tapped", () => {
  const stateOf = (
    annotations: Record<string, string>,
    labels?: Record<string, string>,
  ) =>
    tapPodOf(pod({ annotations, ...labels === undefined ? {} : { labels } }))
      .state;
  const enabled = { [`${META}/tap-enabled`]: "true" };
  expect(stateOf(enabled)).toBe("enabled");
  expect(stateOf({ ...enabled, [`${META}/disable-tap`]: "true" }))
    .toBe("disabled");
  expect(stateOf({ ...enabled, [`${META}/disable-tap`]: "false" }))
    .toBe("enabled");
  expect(stateOf({})).toBe("missing");
  expect(stateOf(enabled, {})).toBe("unmeshed");
});

test("knows what a pod belongs to", () => {
  const ownersOf = (
    kind: string,
    name: string,
    labels: Record<string, string> = {},
  ) => tapPodOf(pod({ labels, ownerReferences: [{ kind, name }] })).owners;
  expect(ownersOf("ReplicaSet", "web-5d9c", { "pod-template-hash": "5d9c" }))
    .toEqual({ replicaset: "web-5d9c", deployment: "web" });
  expect(ownersOf("ReplicaSet", "web-5d9c")).toEqual({
    replicaset: "web-5d9c",
  });
  expect(ownersOf("Job", "tidy-29034720")).toEqual({
    job: "tidy-29034720",
    cronjob: "tidy",
  });
  expect(ownersOf("Job", "tidy-1")).toEqual({ job: "tidy-1" });
  expect(ownersOf("StatefulSet", "db")).toEqual({ statefulset: "db" });
});

test("reads the proxy's port and name from its container", () => {
  const env = (name: string, value: string) => ({
    name: `LINKERD2_PROXY_${name}`,
    value,
  });
  const { port, identity } = tapPodOf(pod({}, {
    spec: {
      serviceAccountName: "web",
      containers: [{
        name: "linkerd-proxy",
        env: [
          env("CONTROL_LISTEN_ADDR", "[::]:4290"),
          env(
            "IDENTITY_LOCAL_NAME",
            "$(_pod_sa).$(_pod_ns).serviceaccount.identity.linkerd.cluster.local",
          ),
        ],
      }],
    },
  }));
  expect(port).toBe(4290);
  expect(identity).toBe(
    "web.shop.serviceaccount.identity.linkerd.cluster.local",
  );
  expect(tapPodOf(pod())).toMatchObject({ port: 4190, identity: null });
});

test("a pod on its node's network has no address of its own", () => {
  expect(tapPodOf(pod({}, { spec: { hostNetwork: true } })).ips).toEqual([]);
});

test("addresses follow pods as they come, move and go", () => {
  const known = createKnownPods();
  const at = (podIP: string, phase = "Running") =>
    pod({}, { status: { phase, podIP } });
  const apply = (object: Pod) => known.apply([{ kind: "apply", object }]);
  apply(at("10.0.0.1"));
  expect(known.whoIs("10.0.0.1")).toEqual({
    pod: "web-5d9c-x2x",
    namespace: "shop",
    serviceaccount: "default",
    control_plane_ns: "linkerd",
  });
  apply(at("10.0.0.2"));
  expect(known.whoIs("10.0.0.1")).toBeUndefined();
  expect(known.whoIs("10.0.0.2")).toBeDefined();
  apply(at("10.0.0.2", "Succeeded"));
  expect(known.whoIs("10.0.0.2")).toBeUndefined();
  expect([...known.all()]).toEqual([]);
});
