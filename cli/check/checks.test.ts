// Every check on hand-made objects: all pass on a healthy mesh, and each fails on what it is there for.
import { expect, test } from "bun:test";
import { describe as describeError } from "../../schemas/problem.ts";
import { mergeValues } from "../../schemas/values/merge.ts";
import { makeAuthority, makeServer } from "../certificates/make.ts";
import { ApiError, type ApiRequest } from "../cluster.ts";
import type { Verdict } from "./check.ts";
import { MODES } from "./modes.ts";
import { createScene, type Settings } from "./scene.ts";
import { fakeCluster, type FakeObject } from "./testing/cluster.ts";
import { healthyMesh } from "./testing/mesh.ts";
import { VERSION } from "../../schemas/version.ts";

const NOW = Date.now();
const DAY_MS = 24 * 3_600_000;
const MESH = healthyMesh(NOW);

interface Case {
  readonly objects?: readonly FakeObject[];
  readonly settings?: Partial<Settings>;
  readonly nowMs?: number;
  readonly answer?: (request: ApiRequest) => unknown;
}

/** What checks of a description come to; a throw is a failure, as in the runner. */
async function look(
  description: string,
  { objects = MESH, settings = {}, nowMs = NOW, answer }: Case = {},
): Promise<Verdict> {
  const found = Object.values(MODES).flat().flatMap(({ checks }) => checks)
    .find((check) => check.description === description);
  if (found === undefined) throw new Error(`no check "${description}"`);
  const scene = createScene({
    settings: {
      namespace: "linkerd",
      cniNamespace: "linkerd-cni",
      dataPlaneNamespace: undefined,
      cliVersion: VERSION,
      expectedVersion: undefined,
      cniEnabled: undefined,
      ...settings,
    },
    nowMs,
    open: () => Promise.resolve(fakeCluster(objects, answer)),
    memory: new Map(),
    signal: new AbortController().signal,
  });
  try {
    return await found.run(scene);
  } catch (thrown) {
    return { kind: "failed", error: describeError(thrown) };
  }
}

async function error(description: string, given: Case = {}): Promise<string> {
  const verdict = await look(description, given);
  return verdict.kind === "failed" ? verdict.error : `(${verdict.kind})`;
}

/** The mesh with one object changed, by a merge patch; null takes it away. */
function changed(
  kind: string,
  name: string,
  patch: Readonly<Record<string, unknown>> | null,
): readonly FakeObject[] {
  const isIt = (object: FakeObject) =>
    object.kind === kind && object.metadata.name === name;
  expect(MESH.some(isIt), `${kind} ${name}`).toBe(true);
  if (patch === null) return MESH.filter((object) => !isIt(object));
  return MESH.map((object) =>
    isIt(object) ? mergeValues(object, patch) as unknown as FakeObject : object
  );
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

const NODE: FakeObject = {
  kind: "Node",
  metadata: { name: "one" },
  spec: { podCIDRs: ["10.244.0.0/24"] },
  status: {
    conditions: [{
      type: "Ready",
      status: "True",
      lastHeartbeatTime: new Date(NOW - 60_000).toISOString(),
    }],
    nodeInfo: { containerRuntimeVersion: "containerd://2.0" },
  },
};
const DEFAULT: FakeObject = {
  kind: "Namespace",
  metadata: { name: "default" },
};

function pod(
  name: string,
  more: Readonly<Record<string, unknown>> = {},
): FakeObject {
  return mergeValues({
    kind: "Pod",
    metadata: { name, namespace: "default", labels: {}, annotations: {} },
    spec: { containers: [{ name: "app", image: "app:1" }] },
    status: { phase: "Running" },
  }, more) as unknown as FakeObject;
}

/** A pod of the data plane with a proxy of the given tag. */
function meshed(
  name: string,
  more: Readonly<Record<string, unknown>> = {},
  tag: string = VERSION,
): FakeObject {
  return pod(
    name,
    mergeValues({
      metadata: { labels: { "linkerd.io/control-plane-ns": "linkerd" } },
      spec: {
        containers: [
          { name: "app", ports: [{ name: "db", containerPort: 5000 }] },
          { name: "linkerd-proxy", image: `registry:5000/proxy:${tag}` },
        ],
      },
      status: {
        containerStatuses: [{ name: "linkerd-proxy", ready: true }],
      },
    }, more),
  );
}

test("all checks of an install pass on a healthy mesh, or are skipped for what is not in use", async () => {
  const objects = [...MESH, NODE, DEFAULT, meshed("web"), pod("plain")];
  const skipped: string[] = [];
  for (const mode of ["crds", "default", "proxy"] as const) {
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
    "cannot create ClusterRole/linkerd-linkerd-identity and 3 more: you may not\n" +
      "these are there already:\n\t* ClusterRoleBinding/linkerd-destination-policy\n" +
      "if Linkerd is installed, use linkerd upgrade; else remove them with: linkerd uninstall | kubectl delete -f -",
  );
  expect([...new Set(created)].sort()).toEqual([
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

test("certificates: dates, keys, chains and where they are kept", async () => {
  const expired = { nowMs: NOW + 366 * DAY_MS };
  const soon = { nowMs: NOW + 306 * DAY_MS };
  expect(await error("trust anchors are within their validity period", expired))
    .toMatch(
      /^Invalid anchors:\n\t\* \d+ identity\.linkerd\.cluster\.local not valid anymore\. Expired on 20\d\d-/,
    );
  expect(await error("issuer cert is within its validity period", expired))
    .toStartWith("issuer certificate is not valid anymore. Expired on ");
  expect(await error("trust anchors are valid for at least 60 days", soon))
    .toMatch(/^Anchors expiring soon:\n\t\* \d+ \S+ will expire on /);
  expect(await error("issuer cert is valid for at least 60 days", soon))
    .toStartWith("issuer certificate will expire on ");
  expect(await error("issuer cert is within its validity period", soon))
    .toBe("(passed)");

  const other = makeAuthority("another", NOW);
  const swapped = changed("Secret", "linkerd-identity-issuer", {
    data: {
      "crt.pem": base64(other.crtPEM),
      "key.pem": base64(other.keyPEM),
    },
  });
  expect(
    await error("issuer cert is issued by the trust anchor", {
      objects: swapped,
    }),
  ).toContain('no chain leads from "CN=another" to a trust anchor');
  const valid = "certificate config is valid";
  expect(
    await error(valid, {
      objects: changed("Secret", "linkerd-identity-issuer", {
        data: { "key.pem": base64(other.keyPEM) },
      }),
    }),
  ).toContain("the private key is not that of");
  expect(
    await error(valid, {
      objects: changed("Secret", "linkerd-identity-issuer", {
        data: { "crt.pem": null },
      }),
    }),
  ).toBe(
    "key crt.pem containing the issuer certificate needs to exist in secret linkerd-identity-issuer if --identity-external-issuer=false",
  );
  expect(
    await error(valid, {
      objects: changed("Secret", "linkerd-identity-issuer", null),
    }),
  ).toBe('Secret "linkerd-identity-issuer" not found in namespace "linkerd"');
  expect(
    await error(valid, {
      objects: changed("ConfigMap", "linkerd-identity-trust-roots", {
        data: { "ca-bundle.crt": other.crtPEM },
      }),
    }),
  ).toContain("does not hold the trust anchors of linkerd-config");
});

test("an issuer of others is read where they keep it", async () => {
  const anchor = makeAuthority("root.linkerd.cluster.local", NOW);
  const mesh = healthyMesh(NOW, {
    overrides: { identity: { issuer: { scheme: "kubernetes.io/tls" } } },
    credentials: {
      crtPEM: undefined,
      keyPEM: undefined,
      anchorsPEM: anchor.crtPEM,
    },
  });
  const secret = (data: Readonly<Record<string, string>>): FakeObject => ({
    kind: "Secret",
    metadata: { name: "linkerd-identity-issuer", namespace: "linkerd" },
    data,
  });
  const tls = {
    "tls.crt": base64(anchor.crtPEM),
    "tls.key": base64(anchor.keyPEM),
  };
  const name = "certificate config is valid";
  expect(await error(name, { objects: [...mesh, secret(tls)] })).toBe(
    "key ca.crt containing the trust anchors needs to exist in secret linkerd-identity-issuer if --identity-external-issuer=true",
  );
  const complete = { ...tls, "ca.crt": base64(anchor.crtPEM) };
  expect(await error(name, { objects: [...mesh, secret(complete)] }))
    .toBe("(passed)");
});

test("webhooks: certificate, name and bundle belong together", async () => {
  const name = "proxy-injector webhook has valid cert";
  const configuration = "linkerd-proxy-injector-webhook-config";
  const secret = "linkerd-proxy-injector-k8s-tls";
  const host = "linkerd-proxy-injector.linkerd.svc";
  const withCertificate = (dnsName: string) =>
    changed("Secret", secret, {
      data: { "tls.crt": base64(makeServer(dnsName, NOW).crtPEM) },
    });
  expect(await error(name, { objects: withCertificate(host) })).toBe(
    `cert is not issued by the trust anchor: no chain leads from "CN=${host}" to the caBundle of ${configuration}`,
  );
  expect(await error(name, { objects: withCertificate("elsewhere.svc") }))
    .toBe(
      `cert is not issued by the trust anchor: it is for DNS:elsewhere.svc, not for ${host}`,
    );
  expect(await error(name, { nowMs: NOW + 366 * DAY_MS })).toStartWith(
    "anchors not within their validity period:\n\t* ",
  );
  expect(
    await error(name, {
      objects: changed("MutatingWebhookConfiguration", configuration, {
        webhooks: [],
      }),
    }),
  ).toBe("expected 1 webhooks, found 0");
  expect(await error(name, { objects: changed("Secret", secret, null) }))
    .toContain(`Secret "${secret}" with key tls.crt not found`);
  expect(
    await error("policy-validator webhook has valid cert", {
      objects: changed("Secret", "linkerd-policy-validator-k8s-tls", null),
    }),
  ).toBe("(skipped)");
  expect(
    await error("sp-validator cert is valid for at least 60 days", {
      nowMs: NOW + 310 * DAY_MS,
    }),
  ).toStartWith("certificate will expire on ");
});

test("versions are compared with each other, and with the one expected", async () => {
  const old = { settings: { cliVersion: "0.0.1" } };
  expect(await error("control plane and cli versions match", old)).toBe(
    `control plane running ${VERSION} but cli running 0.0.1`,
  );
  expect(await error("control plane proxies and cli versions match", old))
    .toContain(`running ${VERSION} but cli running 0.0.1`);
  const expected = { settings: { expectedVersion: "9.9.9" } };
  const told =
    `is running version ${VERSION} but the expected version is 9.9.9`;
  expect(await error("cli is up-to-date", expected)).toBe(told);
  expect(await error("control plane is up-to-date", expected)).toBe(told);
  expect(await error("control plane proxies are up-to-date", expected))
    .toContain(
      "some proxies are not running the current version:\n\t* linkerd-identity-abc",
    );
  const objects = [...MESH, meshed("web", {}, "0.0.7")];
  expect(
    await error("data plane and cli versions match", {
      objects,
      settings: { dataPlaneNamespace: "default" },
    }),
  ).toBe(`web running 0.0.7 but cli running ${VERSION}`);
});

test("a CNI plugin is looked for where there is to be one", async () => {
  const settings = { cniEnabled: true };
  expect(await error("cni plugin DaemonSet exists", { settings })).toBe(
    "missing DaemonSet: linkerd-cni",
  );
  expect(await error("cni plugin ConfigMap exists", { settings })).toBe(
    "missing ConfigMap: linkerd-cni-config",
  );
  const objects = [{
    kind: "DaemonSet",
    metadata: { name: "linkerd-cni", namespace: "linkerd-cni" },
    status: { desiredNumberScheduled: 3, numberReady: 2 },
  }];
  const given = { settings, objects };
  expect(await error("cni plugin DaemonSet exists", given)).toBe("(passed)");
  expect(await error("cni plugin pod is running on all nodes", given)).toBe(
    "number ready: 2, number scheduled: 3",
  );
  const before = { settings: { cniEnabled: false }, objects: [] };
  expect(await error("cni plugin DaemonSet exists", before)).toBe("(skipped)");
});

test("replicas are counted where availability was asked for", async () => {
  const objects = healthyMesh(NOW, { overrides: { highAvailability: true } })
    .map((object) =>
      object.kind === "Deployment" &&
        object.metadata.name !== "linkerd-identity"
        ? { ...object, status: { availableReplicas: 2 } }
        : object
    );
  expect(await error("multiple replicas of control plane pods", { objects }))
    .toBe("not enough replicas available for [linkerd-identity]");
});

test("proxies of applications: ready, current in trust, rightly labelled", async () => {
  const inDefault = { settings: { dataPlaneNamespace: "default" } };
  const ready = "data plane proxies are ready";
  expect(await error(ready, inDefault)).toBe(
    'no "linkerd-proxy" containers found in the "default" namespace',
  );
  const late = meshed("late", {
    status: { containerStatuses: [{ name: "linkerd-proxy", ready: false }] },
  });
  expect(await error(ready, { ...inDefault, objects: [late] })).toBe(
    'container "linkerd-proxy" in pod "late" is not ready',
  );
  const over = meshed("over", {
    status: { phase: "Failed", reason: "Shutdown" },
  });
  expect(await error(ready, { ...inDefault, objects: [over, meshed("web")] }))
    .toBe("(passed)");
  expect(await error("data plane namespace exists", inDefault)).toBe(
    'The "default" namespace does not exist',
  );

  const trusting = meshed("old", {
    spec: {
      containers: [{
        name: "linkerd-proxy",
        env: [{ name: "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS", value: "old" }],
      }],
    },
  });
  const objects = [...MESH, trusting];
  expect(await error("data plane proxies certificate match CA", { objects }))
    .toBe(
      "Some pods do not have the current trust bundle and must be restarted:\n\t* default/old",
    );

  const labelled = meshed("odd", {
    metadata: { labels: { "linkerd.io/inject": "enabled" } },
  });
  expect(
    await error("data plane pod labels are configured correctly", {
      objects: [labelled, meshed("web")],
    }),
  ).toBe(
    "Some labels on data plane pods should be annotations:\n\t* default/odd\n\t\tlinkerd.io/inject",
  );
  const service: FakeObject = {
    kind: "Service",
    metadata: {
      name: "web",
      namespace: "default",
      labels: { "config.linkerd.io/opaque-ports": "1" },
      annotations: { "mirror.linkerd.io/exported": "true" },
    },
    spec: {},
  };
  expect(
    await error("data plane service labels are configured correctly", {
      objects: [service],
    }),
  ).toEndWith("\t* default/web\n\t\tconfig.linkerd.io/opaque-ports");
  expect(
    await error("data plane service annotations are configured correctly", {
      objects: [service],
    }),
  ).toEndWith("\t* default/web\n\t\tmirror.linkerd.io/exported");
});

test("opaque ports: Service and pods must agree on what clients are told", async () => {
  const key = "config.linkerd.io/opaque-ports";
  const compare = (
    ofService: string | null,
    ofPod: string | null,
    ports: unknown,
    clusterIP = "10.0.0.1",
  ) => {
    const note = (text: string | null) => text === null ? {} : { [key]: text };
    const service = {
      kind: "Service",
      metadata: {
        name: "db",
        namespace: "default",
        annotations: note(ofService),
      },
      spec: { clusterIP, selector: { app: "db" }, ports },
    };
    const target = meshed("db-0", {
      metadata: { labels: { app: "db" }, annotations: note(ofPod) },
    });
    return error("opaque ports are properly annotated", {
      objects: [...MESH, service, target, meshed("web")],
    });
  };
  const plain = [{ port: 5000 }];
  const moved = [{ port: 80, targetPort: "db" }];
  expect(await compare(null, null, plain)).toBe("(passed)");
  expect(await compare("5000", "5000", plain)).toBe("(passed)");
  expect(await compare("80", "db", moved)).toBe("(passed)");
  expect(await compare("5000", "4000-6000", plain)).toBe("(passed)");
  // 3306 is opaque by default, annotation or not.
  expect(await compare("3306", null, [{ port: 3306 }])).toBe("(passed)");
  expect(await compare("5000", null, plain)).toBe(
    `\t* service default/db expects target port 5000 to be opaque; add it to pod db-0 ${key} annotation`,
  );
  expect(await compare(null, "5000", plain)).toBe(
    `\t* service default/db targets the opaque port 5000; add it to its ${key} annotation`,
  );
  expect(await compare(null, "5000", moved)).toBe(
    `\t* service default/db targets the opaque port db through 80; add 80 to its ${key} annotation`,
  );
  expect(await compare(null, "queue", plain)).toBe(
    "\t* failed to convert queue to port number for pod db-0",
  );
  expect(await compare("5000", "", plain, "None")).toBe("(passed)");
});

test("pods that should be meshed and are not are listed with the reason", async () => {
  const asking: FakeObject = {
    kind: "Namespace",
    metadata: {
      name: "shop",
      annotations: { "linkerd.io/inject": "enabled" },
    },
  };
  const away: FakeObject = {
    kind: "Namespace",
    metadata: {
      name: "kube-system",
      labels: { "kubernetes.io/metadata.name": "kube-system" },
      annotations: { "linkerd.io/inject": "enabled" },
    },
  };
  const inShop = (name: string, more = {}) =>
    pod(name, mergeValues({ metadata: { namespace: "shop" } }, more));
  const noted = (word: string) => ({
    metadata: { annotations: { "linkerd.io/inject": word } },
  });
  const told = await error("pods that should be meshed are", {
    objects: [
      ...MESH,
      DEFAULT,
      asking,
      away,
      inShop("old"),
      inShop("host", { spec: { hostNetwork: true } }),
      inShop("istio", {
        spec: { containers: [{ name: "istio-proxy", image: "x" }] },
      }),
      inShop("left-alone", noted("disabled")),
      inShop("misspelt", noted("enable")),
      inShop("done", { status: { phase: "Succeeded", reason: "Completed" } }),
      inShop("going", { metadata: { deletionTimestamp: "2026-01-01" } }),
      meshed("fine", { metadata: { namespace: "shop" } }),
      pod("unasked"),
      pod("own", noted("enabled")),
      pod("dns", { metadata: { namespace: "kube-system" } }),
    ],
  });
  expect(told.split("\n")).toEqual([
    "Some pods should have a proxy and have none:",
    "\t* shop/old: it was made before its namespace asked for proxies, or while the injector was away: restart it",
    "\t* shop/host: hostNetwork is enabled",
    "\t* shop/istio: pod has a sidecar injected already",
    '\t* shop/misspelt: invalid value for annotation "linkerd.io/inject" at the workload, expected enabled, disabled or ingress',
    "\t* default/own: it was made while the injector was away: restart it",
    "\t* kube-system/dns: the injector's namespaceSelector leaves out its namespace",
  ]);
});

test("a long list is cut, and says how long it is", async () => {
  const objects = Array.from(
    { length: 40 },
    (_, at) => pod(`p${at}`, { status: { podIP: "11.0.0.1" } }),
  );
  const told = await error("cluster networks contains all pods", {
    objects: [...MESH, ...objects],
  });
  expect(told.split("\n")).toHaveLength(32);
  expect(told).toEndWith("\n\t* and 10 more");
});

test("an extension has one namespace", async () => {
  const labelled = (name: string): FakeObject => ({
    kind: "Namespace",
    metadata: { name, labels: { "linkerd.io/extension": "viz" } },
  });
  expect(
    await error("namespace configuration for extensions", {
      objects: [labelled("a"), labelled("b"), DEFAULT],
    }),
  ).toBe(
    'some extensions have invalid configuration\n\t* label "linkerd.io/extension=viz" is present on more than one namespace:\n\t\t* a\n\t\t* b',
  );
});
