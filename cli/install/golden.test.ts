// What `linkerd install` prints: `UPDATE_GOLDENS=1 bun test cli/install` writes the goldens anew.
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { parse, parseAllDocuments } from "yaml";
import { type Ran, runLinkerd } from "../inject/testing/run.ts";

const FOLDER = `${import.meta.dir}/testdata`;
const UPDATE = process.env["UPDATE_GOLDENS"] === "1";
const CERTIFICATES = `--values=${FOLDER}/certificates.yml`;

/** Renders without a cluster, with the credentials of the test data. */
function install(...args: string[]): Promise<Ran> {
  return runLinkerd("install", "--ignore-cluster", CERTIFICATES, ...args);
}

interface Kubernetes {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

function objectsOf({ stdout }: Ran): Kubernetes[] {
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

function named(
  objects: readonly Kubernetes[],
  kind: string,
  name: string,
): Kubernetes | undefined {
  return objects.find((one) => one.kind === kind && one.metadata.name === name);
}

test.each<[string, string[]]>([
  ["default", []],
  ["ha", ["--ha"]],
  ["custom", [
    `--values=${FOLDER}/custom.yml`,
    "--linkerd-namespace=mesh",
    "--registry=registry.example.test/mesh",
    "--controller-replicas=2",
    "--proxy-cpu-request=100m",
    "--proxy-cpu-limit=1500m",
    "--set=proxyInit.ignoreInboundPorts=22\\,8000-8010",
  ]],
  ["crds", ["--crds", "--set=installGatewayAPI=true"]],
])("install prints the golden %s, twice the same bytes", async (name, args) => {
  const ran = await install(...args);
  expect(ran.code).toBe(0);
  const path = `${FOLDER}/${name}.golden.yml`;
  if (UPDATE) writeFileSync(path, ran.stdout);
  expect(ran.stdout).toBe(readFileSync(path, "utf8"));
  expect((await install(...args)).stdout).toBe(ran.stdout);
});

test.each<[string, string[]]>([
  ["default", []],
  ["ha", ["--ha"]],
  ["custom", [`--values=${FOLDER}/custom.yml`]],
  ["crds", ["--crds"]],
])(
  "every object of %s is whole, and all it names is there",
  async (_, args) => {
    const objects = objectsOf(await install(...args));
    const ids = objects.map(({ apiVersion, kind, metadata }) =>
      `${apiVersion}/${kind} ${metadata.namespace ?? ""}/${metadata.name}`
    );
    expect(new Set(ids).size).toBe(ids.length);
    for (const one of objects) {
      expect(API_VERSIONS[one.kind]).toBe(one.apiVersion);
      expect(one.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
      const isPlaced = !CLUSTER_SCOPED.includes(one.kind);
      const { name, namespace } = one.metadata;
      expect(namespace).toBe(
        !isPlaced ? undefined : ELSEWHERE[name] ?? "linkerd",
      );
      expect(metadataOf(one).labels).toMatchObject({
        "linkerd.io/control-plane-ns": "linkerd",
      });
    }
    for (const part of objects.filter(({ kind }) => kind === "Deployment")) {
      checkDeployment(part, objects);
    }
    for (const binding of objects.filter(({ kind }) => /Binding$/.test(kind))) {
      const { roleRef, subjects } = binding as unknown as {
        roleRef: { kind: string; name: string };
        subjects: { name: string; namespace: string }[];
      };
      if (!KUBERNETES_ROLES.includes(roleRef.name)) {
        expect(named(objects, roleRef.kind, roleRef.name)).toBeDefined();
      }
      for (const { name, namespace } of subjects) {
        if (namespace !== "linkerd") continue;
        expect(named(objects, "ServiceAccount", name)).toBeDefined();
      }
    }
  },
);

/** Roles that every cluster has. */
const KUBERNETES_ROLES = [
  "system:auth-delegator",
  "extension-apiserver-authentication-reader",
];
/** Namespaces of what is in none of ours. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "linkerd-linkerd-metrics-auth-reader": "kube-system",
};
const CLUSTER_SCOPED = [
  "APIService",
  "Namespace",
  "ClusterRole",
  "ClusterRoleBinding",
  "CustomResourceDefinition",
  "MutatingWebhookConfiguration",
  "ValidatingWebhookConfiguration",
];
const API_VERSIONS: Readonly<Record<string, string>> = {
  APIService: "apiregistration.k8s.io/v1",
  Namespace: "v1",
  ConfigMap: "v1",
  Secret: "v1",
  Service: "v1",
  ServiceAccount: "v1",
  ClusterRole: "rbac.authorization.k8s.io/v1",
  ClusterRoleBinding: "rbac.authorization.k8s.io/v1",
  Role: "rbac.authorization.k8s.io/v1",
  RoleBinding: "rbac.authorization.k8s.io/v1",
  Deployment: "apps/v1",
  PodDisruptionBudget: "policy/v1",
  PodMonitor: "monitoring.coreos.com/v1",
  CustomResourceDefinition: "apiextensions.k8s.io/v1",
  MutatingWebhookConfiguration: "admissionregistration.k8s.io/v1",
  ValidatingWebhookConfiguration: "admissionregistration.k8s.io/v1",
};

function metadataOf(
  one: Kubernetes,
): { readonly labels: Readonly<Record<string, string>> } {
  return one.metadata as unknown as { labels: Record<string, string> };
}

interface Container {
  readonly name: string;
  readonly ports?: readonly { name: string }[];
  readonly volumeMounts?: readonly { name: string }[];
}

/** A pod's containers mount what is there; Services reach named ports of it; its account exists. */
function checkDeployment(
  part: Kubernetes,
  objects: readonly Kubernetes[],
): void {
  const { selector, template } = part["spec"] as {
    selector: { matchLabels: Record<string, string> };
    template: {
      metadata: { labels: Record<string, string> };
      spec: {
        serviceAccountName: string;
        containers: Container[];
        initContainers: Container[];
        volumes: {
          name: string;
          secret?: { secretName: string };
          configMap?: { name: string };
        }[];
      };
    };
  };
  const { labels } = template.metadata;
  expect(labels).toMatchObject(selector.matchLabels);
  const { spec } = template;
  expect(named(objects, "ServiceAccount", spec.serviceAccountName))
    .toBeDefined();
  const containers = [...spec.initContainers, ...spec.containers];
  const names = containers.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain("linkerd-proxy");
  const volumes = spec.volumes.map(({ name }) => name);
  expect(new Set(volumes).size).toBe(volumes.length);
  const mounted = containers.flatMap(({ volumeMounts }) => volumeMounts ?? []);
  expect(new Set(mounted.map(({ name }) => name))).toEqual(new Set(volumes));
  for (const { secret, configMap } of spec.volumes) {
    const external = "linkerd-proxy-injector-k8s-tls";
    if (secret !== undefined && secret.secretName !== external) {
      expect(named(objects, "Secret", secret.secretName)).toBeDefined();
    }
    if (configMap !== undefined) {
      expect(named(objects, "ConfigMap", configMap.name)).toBeDefined();
    }
  }
  const ports = containers.flatMap((one) => one.ports ?? []).map((port) =>
    port.name
  );
  for (const service of objects.filter(({ kind }) => kind === "Service")) {
    const { selector, ports: [port] } = service["spec"] as {
      selector: Record<string, string>;
      ports: { targetPort: number | string }[];
    };
    const [[key, value] = ["", ""]] = Object.entries(selector);
    if (labels[key] !== value || typeof port?.targetPort !== "string") continue;
    expect(ports).toContain(port.targetPort);
  }
}

test("json is one object a line, and says the same as yaml", async () => {
  const lines = (await install("-o", "json")).stdout.trimEnd().split("\n");
  const objects: unknown = lines.map((line) => JSON.parse(line));
  expect(objects).toEqual(objectsOf(await install()));
});

test("linkerd-config has the values and no private key; overrides have what was asked", async () => {
  const ran = await install("--ha", "--set=proxy.logLevel=debug");
  const objects = objectsOf(ran);
  const config = named(objects, "ConfigMap", "linkerd-config");
  const { values } = config?.["data"] as { values: string };
  expect(values).not.toContain("PRIVATE KEY");
  expect(parse(values)).toMatchObject({
    highAvailability: true,
    identityTrustDomain: "cluster.local",
    proxy: { logLevel: "debug" },
  });
  const secret = named(objects, "Secret", "linkerd-config-overrides");
  const { "linkerd-config-overrides": encoded = "" } = secret
    ?.["data"] as Record<string, string>;
  const overrides = parse(Buffer.from(encoded, "base64").toString());
  expect(overrides.proxy).toEqual({
    logLevel: "debug",
    resources: {
      cpu: { request: "100m" },
      memory: { request: "20Mi", limit: "250Mi" },
    },
  });
  expect(overrides.identity.issuer.tls.keyPEM).toContain("PRIVATE KEY");
});
