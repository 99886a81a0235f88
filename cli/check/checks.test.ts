// What is there and runs, before an install and after it: all passes on a healthy mesh, each check fails on its own.
import { expect, test } from "bun:test";
import { mergeValues } from "../../schemas/values/merge.ts";
import { ApiError, type ApiRequest } from "../cluster.ts";
import { MODES } from "./modes.ts";
import { type FakeObject } from "./testing/cluster.ts";
import {
  changed,
  DEFAULT,
  error,
  look,
  MESH,
  meshed,
  NODE,
  NOW,
  pod,
} from "./testing/look.ts";

test("all checks of an install pass on a healthy mesh, or are skipped for what is not in use", async () => {
  const objects = [...MESH, NODE, DEFAULT, meshed("web"), pod("plain")];
  const skipped: string[] = [];
  for (const mode of ["crds", "default", "proxy", "viz-proxy"] as const) {
    for (const { checks } of MODES[mode]) {
      for (const { description } of checks) {
        const verdict = await look(description, { objects });
        if (verdict.kind === "skipped") skipped.push(description);
        else {
          expect(verdict, description).toEqual(
            description.startsWith("Gateway")
              ? { kind: "passed", note: "v1.2.1, installed by Linkerd" }
              : { kind: "passed" },
          );
        }
      }
    }
  }
  expect([...new Set(skipped)].sort()).toEqual([
    "cli is up-to-date",
    "cni plugin ClusterRole exists",
    "cni plugin ClusterRoleBinding exists",
    "cni plugin ConfigMap exists",
    "cni plugin DaemonSet exists",
    "cni plugin ServiceAccount exists",
    "cni plugin pod is running on all nodes",
    "control plane is up-to-date",
    "control plane proxies are up-to-date",
    "data plane is up-to-date",
    "multiple replicas of control plane pods",
    "viz extension proxies are up-to-date",
  ]);
});

test("an old Kubernetes is refused, a strange version too", async () => {
  const name = "is running the minimum Kubernetes API version";
  const of = (gitVersion: string) => ({ answer: () => ({ gitVersion }) });
  expect(await error(name, of("v1.30.9-gke.1"))).toBe(
    "Kubernetes is on version [1.30.9], but version [1.31.0] or more recent is required",
  );
  expect(await error(name, of("v1.31.0"))).toBe("(passed)");
  expect(await error(name, of("v2.0.0"))).toBe("(passed)");
  expect(await error(name, of("new"))).toBe(
    "unknown version string format [new]",
  );
});

test("Gateway API: which case it is before an install, and what does not do", async () => {
  const before = "Gateway API CRDs are installed or can be";
  const without = MESH.filter(({ metadata }) =>
    !metadata.name.endsWith("gateway.networking.k8s.io")
  );
  const foreign = (version: string): FakeObject[] => [{
    kind: "CustomResourceDefinition",
    metadata: { name: "httproutes.gateway.networking.k8s.io" },
    spec: { versions: [{ name: version, served: true }] },
  }];
  expect(await look(before, { objects: without })).toEqual({
    kind: "passed",
    note: "there are none: linkerd install brings those of v1.2.1",
  });
  expect(await look(before, { objects: foreign("v1") })).toEqual({
    kind: "passed",
    note:
      "an unknown release, installed by others: linkerd install leaves them alone",
  });
  expect(await error(before, { objects: foreign("v1beta1") })).toContain(
    "httproutes.gateway.networking.k8s.io CRD is missing the v1 version",
  );
  expect(await error("Gateway API CRDs are installed", { objects: without }))
    .toContain("linkerd upgrade --crds | kubectl apply -f -");
});

test("--pre: rights are asked for, and objects tried without being made", async () => {
  const created: string[] = [];
  const answer = ({ method, path, query, body }: ApiRequest): unknown => {
    if (method !== "POST") return undefined;
    const { kind, metadata, spec } = body as {
      kind: string;
      metadata?: { name: string };
      spec: { resourceAttributes: { verb: string; resource: string } };
    };
    if (path.endsWith("selfsubjectaccessreviews")) {
      const { verb, resource } = spec.resourceAttributes;
      const allowed = resource !== "deployments" && verb === "create";
      return { status: { allowed, reason: allowed ? "" : "by decree" } };
    }
    expect(query).toEqual({ dryRun: "All" });
    created.push(kind);
    if (kind === "Namespace" || kind === "CustomResourceDefinition") {
      throw new ApiError(409, "AlreadyExists", "already exists");
    }
    if (kind === "ClusterRole") {
      throw new ApiError(403, "Forbidden", "you may not");
    }
    if (metadata?.name === "linkerd-destination-policy") {
      throw new ApiError(409, "AlreadyExists", "already exists");
    }
    return {};
  };
  const given = { objects: [], answer };
  expect(await error("can create non-namespaced resources", given)).toBe(
    "cannot create ClusterRole/linkerd-linkerd-identity and 6 more: you may not\n" +
      "these are there already:\n\t* ClusterRoleBinding/linkerd-destination-policy\n" +
      "if Linkerd is installed, use linkerd upgrade; else remove them with: linkerd uninstall | kubectl delete -f -",
  );
  expect([...new Set(created)].sort()).toEqual([
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "MutatingWebhookConfiguration",
    "Namespace",
    "ValidatingWebhookConfiguration",
  ]);
  expect(await error("can create Services", given)).toBe("(passed)");
  expect(await error("can create Deployments", given)).toBe(
    "not authorized to access deployments.apps: by decree",
  );
  expect(await error("can read Secrets", given)).toBe(
    "not authorized to access secrets: by decree",
  );
  expect(
    await error("control plane namespace does not already exist"),
  ).toBe('The "linkerd" namespace already exists');
  const name = "can read extension-apiserver-authentication configmap";
  expect(await error(name)).toBe(
    "--requestheader-client-ca-file is not configured",
  );
});

test("clock skew is found both ways, on nodes that are ready", async () => {
  const name = "no clock skew detected";
  const objects = [NODE];
  expect(await error(name, { objects })).toBe("(passed)");
  expect(await error(name, { objects, nowMs: NOW + 6 * 60_000 })).toBe(
    "clock skew detected for node(s): one",
  );
  expect(await error(name, { objects, nowMs: NOW - 7 * 60_000 })).toBe(
    "clock skew detected for node(s): one",
  );
});

test("what of an install is missing is named", async () => {
  const cases: readonly (readonly [string, readonly FakeObject[], string])[] = [
    [
      "'linkerd-config' config map exists",
      changed("ConfigMap", "linkerd-config", null),
      'configmaps "linkerd-config" not found in namespace "linkerd"',
    ],
    [
      "'linkerd-config' config map exists",
      changed("ConfigMap", "linkerd-config", { data: { values: "[1]" } }),
      "holds no YAML map",
    ],
    [
      "control plane Namespace exists",
      changed("Namespace", "linkerd", null),
      'The "linkerd" namespace does not exist',
    ],
    [
      "control plane ClusterRoles exist",
      changed("ClusterRole", "linkerd-linkerd-identity", null),
      "missing ClusterRoles: linkerd-linkerd-identity",
    ],
    [
      "control plane ClusterRoleBindings exist",
      changed("ClusterRoleBinding", "linkerd-linkerd-proxy-injector", {
        metadata: { labels: { "linkerd.io/control-plane-ns": null } },
      }),
      "missing ClusterRoleBindings: linkerd-linkerd-proxy-injector",
    ],
    [
      "control plane ServiceAccounts exist",
      changed("ServiceAccount", "linkerd-destination", null),
      "missing ServiceAccounts: linkerd-destination",
    ],
    [
      "control plane CustomResourceDefinitions exist",
      changed("CustomResourceDefinition", "servers.policy.linkerd.io", null),
      "missing servers.policy.linkerd.io",
    ],
    [
      "control plane CustomResourceDefinitions exist",
      changed("CustomResourceDefinition", "servers.policy.linkerd.io", {
        spec: { versions: [{ name: "v1beta1" }] },
      }),
      "CRD servers.policy.linkerd.io is missing version v1beta3",
    ],
    [
      "control plane MutatingWebhookConfigurations exist",
      changed(
        "MutatingWebhookConfiguration",
        "linkerd-proxy-injector-webhook-config",
        null,
      ),
      "missing MutatingWebhookConfigurations: linkerd-proxy-injector-webhook-config",
    ],
    [
      "control plane ValidatingWebhookConfigurations exist",
      changed(
        "ValidatingWebhookConfiguration",
        "linkerd-sp-validator-webhook-config",
        null,
      ),
      "missing ValidatingWebhookConfigurations: linkerd-sp-validator-webhook-config",
    ],
    [
      "proxy-init container runs as root user if docker container runtime is used",
      [
        ...MESH,
        mergeValues(NODE, {
          status: { nodeInfo: { containerRuntimeVersion: "docker://20" } },
        }) as unknown as FakeObject,
      ],
      "--set proxyInit.runAsRoot=true",
    ],
  ];
  for (const [description, objects, wanted] of cases) {
    expect(await error(description, { objects }), description)
      .toContain(wanted);
  }
});

test("pods of the control plane that do not run are told", async () => {
  const ready = "control plane pods are ready";
  const identity = "linkerd-identity-abc";
  const without = changed("Pod", identity, null);
  expect(await error(ready, { objects: without })).toBe(
    'No running pods for "linkerd-identity"',
  );
  const starting = changed("Pod", identity, {
    status: { containerStatuses: [{ name: "identity", ready: false }] },
  });
  expect(await error(ready, { objects: starting })).toBe(
    `pod/${identity} container identity is not ready`,
  );
  const healthy = "control plane proxies are healthy";
  expect(await error(healthy, { objects: [] })).toBe(
    'no "linkerd-proxy" containers found in the "linkerd" namespace',
  );
  const crashing = changed("Pod", identity, {
    status: {
      containerStatuses: [{
        name: "identity",
        state: { waiting: { reason: "CrashLoopBackOff" } },
      }],
    },
  });
  expect(await error(healthy, { objects: crashing })).toBe(
    `pod "${identity}" status is CrashLoopBackOff`,
  );
  const unplaced = changed("Pod", identity, {
    status: {
      conditions: [{
        type: "PodScheduled",
        status: "False",
        reason: "Unschedulable",
        message: "no room",
      }],
    },
  });
  expect(await error("no unschedulable pods", { objects: unplaced })).toBe(
    `${identity}: no room`,
  );
  const set = {
    kind: "ReplicaSet",
    metadata: { name: "identity-1", namespace: "linkerd" },
    status: {
      conditions: [{
        type: "ReplicaFailure",
        status: "True",
        reason: "FailedCreate",
        message: "quota",
      }],
    },
  };
  expect(
    await error("control plane replica sets are ready", { objects: [set] }),
  ).toBe("FailedCreate: quota");
});

test("addresses outside the cluster's networks are named", async () => {
  const node = mergeValues(NODE, { spec: { podCIDRs: ["11.0.0.0/24"] } });
  expect(
    await error("cluster networks contains all node podCIDRs", {
      objects: [...MESH, node as unknown as FakeObject],
    }),
  ).toContain(
    'node has podCIDR(s) [11.0.0.0/24] which are not contained in the Linkerd clusterNetworks.\n\tTry installing linkerd via --set clusterNetworks="10.0.0.0/8\\,',
  );
  const away = pod("away", { status: { podIP: "11.0.0.1" } });
  expect(
    await error("cluster networks contains all pods", {
      objects: [...MESH, away],
    }),
  ).toEndWith("do not include pod default/away (11.0.0.1)");
  const host = mergeValues(away, { spec: { hostNetwork: true } });
  expect(
    await error("cluster networks contains all pods", {
      objects: [...MESH, host as unknown as FakeObject],
    }),
  ).toBe("(passed)");
  const service = (name: string, clusterIP: string): FakeObject => ({
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { clusterIP },
  });
  expect(
    await error("cluster networks contains all services", {
      objects: [
        ...MESH,
        service("a", "11.0.0.1"),
        service("b", "None"),
        service("c", "fe80::1"),
      ],
    }),
  ).toEndWith(
    "do not include:\n\t* svc default/a (11.0.0.1)\n\t* svc default/c (fe80::1)",
  );
});
