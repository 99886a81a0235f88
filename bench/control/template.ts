import { join } from "node:path";
import { Problem } from "../../schemas/problem.ts";
import type { Place } from "./population.ts";

const MAIN = join(import.meta.dir, "../../cli/main.ts");

/** A Deployment without a proxy, as most charts write it. */
export const DEPLOYMENT = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop" },
  spec: {
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [{
          name: "web",
          image: "registry.example/shop/web:1.4.2",
          ports: [{ name: "http", containerPort: 8080 }],
          env: ["DATABASE", "CACHE", "QUEUE", "LEVEL"].map((name) => ({
            name,
            value: `the value of ${name} in this shop`,
          })),
          resources: { requests: { cpu: "100m", memory: "64Mi" } },
          readinessProbe: { httpGet: { path: "/ready", port: "http" } },
          livenessProbe: { httpGet: { path: "/live", port: "http" } },
        }],
      },
    },
  },
};

interface Template {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly containers: readonly { readonly name: string }[];
    readonly initContainers?: readonly { readonly name: string }[];
  };
}

/** Pods as a cluster has them: with all that the injector writes into them and a kubelet tells of them. */
export interface PodTemplate {
  readonly pod: (place: Place, name: string) => unknown;
  readonly status: (ip: string) => unknown;
}

/** Pods of what `linkerd inject --manual` makes of a Deployment. */
export async function injectedPods(): Promise<PodTemplate> {
  const child = Bun.spawn(
    [
      ...[process.execPath, MAIN, "inject", "--manual", "--ignore-cluster"],
      ...["-o", "json", "-"],
    ],
    {
      stdin: new Blob([JSON.stringify(DEPLOYMENT)]),
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [output, errors] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
  ]);
  if (await child.exited !== 0) {
    throw new Problem("system.failed", `linkerd inject: ${errors}`);
  }
  const template: Template = JSON.parse(output).spec.template;
  return {
    pod: (place, name) => podOf(template, place, name),
    status: (ip) => statusOf(template, ip),
  };
}

function podOf({ metadata, spec }: Template, place: Place, name: string) {
  return {
    metadata: {
      ...metadata,
      name,
      labels: {
        ...metadata.labels,
        app: place.name,
        "linkerd.io/proxy-deployment": place.name,
        "linkerd.io/workload-ns": place.namespace,
        "pod-template-hash": "6d4cf56db6",
      },
    },
    spec: { ...spec, nodeName: "node-1" },
  };
}

function statusOf({ spec }: Template, ip: string) {
  const now = new Date().toISOString();
  const told = ({ name }: { readonly name: string }) => ({
    name,
    image: "registry.example/shop/web:1.4.2",
    imageID: `registry.example/shop/web@sha256:${"0".repeat(64)}`,
    containerID: `containerd://${"1".repeat(64)}`,
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: now } },
  });
  return {
    phase: "Running",
    podIP: ip,
    podIPs: [{ ip }],
    hostIP: "192.168.0.1",
    startTime: now,
    conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"]
      .map((type) => ({ type, status: "True", lastTransitionTime: now })),
    containerStatuses: spec.containers.map(told),
    initContainerStatuses: spec.initContainers?.map(told) ?? [],
  };
}
