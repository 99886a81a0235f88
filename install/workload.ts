import { LABELS } from "../schemas/names.ts";
import type { ResourceValues } from "../schemas/values/proxy.ts";
import type { ComponentResources, Values } from "../schemas/values.ts";
import { type Install, metadataOf } from "./context.ts";
import { resourcesOf } from "./inject/proxy-container.ts";
import { type Manifest, present } from "./manifest.ts";

/** One port of a controller container. */
export interface ControllerPort {
  readonly name: string;
  readonly containerPort: number;
}

/** One of the control plane's own containers: a program of the controller image. */
export interface Controller {
  readonly name: string;
  readonly args: readonly string[];
  readonly ports: readonly ControllerPort[];
  /** Where probes and metrics are. */
  readonly adminPort: number;
  readonly probes: {
    readonly livenessProbe: { readonly timeoutSeconds: number };
    readonly readinessProbe: { readonly timeoutSeconds: number };
  };
  readonly resources: ComponentResources | undefined;
  readonly env?: readonly unknown[];
  readonly mounts: readonly unknown[];
}

const SERVICE_ACCOUNT_MOUNT = {
  name: "kube-api-access",
  mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
  readOnly: true,
};

/** What the kubelet would mount by itself, but into the controllers alone: the proxy needs no way to the API server. */
export const SERVICE_ACCOUNT_VOLUME = {
  name: "kube-api-access",
  projected: {
    defaultMode: 0o644,
    sources: [
      // An hour, and seven seconds as Kubernetes' own: legacy readers of expired tokens can be told apart by it.
      { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
      {
        configMap: {
          items: [{ key: "ca.crt", path: "ca.crt" }],
          name: "kube-root-ca.crt",
        },
      },
      {
        downwardAPI: {
          items: [{
            fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" },
            path: "namespace",
          }],
        },
      },
    ],
  },
};

/** A container that needs nothing of the node: no privileges, no root, nothing to write to. */
export function controllerContainer(
  values: Values,
  controller: Controller,
): Record<string, unknown> {
  const { name, args, ports, adminPort, probes, env, mounts } = controller;
  const version = values.controllerImageVersion || values.linkerdVersion;
  return present({
    name,
    image: `${values.controllerImage}:${version}`,
    imagePullPolicy: values.imagePullPolicy,
    args,
    env: env === undefined || env.length === 0 ? undefined : env,
    ports,
    livenessProbe: {
      httpGet: { path: "/ping", port: adminPort },
      initialDelaySeconds: 10,
      ...probes.livenessProbe,
    },
    readinessProbe: {
      httpGet: { path: "/ready", port: adminPort },
      failureThreshold: 7,
      ...probes.readinessProbe,
    },
    ...resourcesOf(fillResources(controller.resources)),
    securityContext: present({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: values.controllerUID,
      runAsGroup: values.controllerGID < 0 ? undefined : values.controllerGID,
      seccompProfile: { type: "RuntimeDefault" },
    }),
    volumeMounts: [...mounts, SERVICE_ACCOUNT_MOUNT],
  });
}

/** Quantities with an empty text for each that is not asked for. */
export function fillResources(asked: ComponentResources = {}): ResourceValues {
  const nothing = { request: "", limit: "" };
  return {
    cpu: { ...nothing, ...asked.cpu },
    memory: { ...nothing, ...asked.memory },
    "ephemeral-storage": { ...nothing, ...asked["ephemeral-storage"] },
  };
}

/** A Service of the control plane; `headless` gives the addresses of its pods. */
export function service(
  install: Install,
  name: string,
  options: {
    readonly component: string;
    readonly port: Readonly<Record<string, unknown>>;
    readonly headless?: true;
    readonly annotations?: Readonly<Record<string, string>>;
  },
): Manifest {
  const { component, port, headless, annotations } = options;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadataOf(install, name, {
      component,
      ...(annotations === undefined ? {} : { annotations }),
    }),
    spec: {
      ...(headless ? { clusterIP: "None" } : { type: "ClusterIP" }),
      selector: { [LABELS.controlPlaneComponent]: component },
      ports: [port],
    },
  };
}

/** Keeps enough replicas when nodes are drained; only where values ask for it. */
export function disruptionBudget(
  install: Install,
  name: string,
  component: string,
): Manifest[] {
  const { values } = install;
  if (!values.enablePodDisruptionBudget) return [];
  const { maxUnavailable } = values.controller.podDisruptionBudget;
  return [{
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadataOf(install, name, { component }),
    spec: {
      maxUnavailable,
      selector: { matchLabels: { [LABELS.controlPlaneComponent]: component } },
    },
  }];
}
