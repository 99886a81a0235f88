import { ANNOTATIONS, LABELS } from "../../schemas/names.ts";
import { Problem } from "../../schemas/problem.ts";
import { applyAnnotations, inheritedAnnotations } from "./annotations.ts";
import { serviceAccountMount } from "./decide.ts";
import {
  debugContainer,
  firstContainer,
  surroundingsOf,
} from "./init-container.ts";
import { containerPorts, defaultOpaquePorts } from "./ports.ts";
import { proxyContainer } from "./proxy-container.ts";
import { proxyVolumes, xtablesLockVolume } from "./volumes.ts";
import type { InjectionValues } from "../../schemas/values/proxy.ts";
import type { Pod, Texts } from "./workload.ts";

/** One operation of a JSON patch (RFC 6902); injection only adds. */
export interface Operation {
  readonly op: "add";
  readonly path: string;
  readonly value: unknown;
}

/** Everything injection needs to know besides the pod. */
export interface Injection {
  readonly values: InjectionValues;
  /** The control plane's namespace. */
  readonly namespace: string;
  /** Who injects: `linkerd/cli 1.2.3` or `linkerd/proxy-injector 1.2.3`. */
  readonly createdBy: string;
  /** Hex SHA-256 of the trust anchors. */
  readonly trustRootSha256: string;
  readonly namespaceAnnotations: Texts;
  /** Namespace of the pod, where it is known. */
  readonly workloadNamespace: string | undefined;
  /** What the pod belongs to; nothing for a pod of its own. */
  readonly owner: { readonly kind: string; readonly name: string } | undefined;
}

/**
 * The patch that puts a proxy into a pod, in Linkerd's order; `prefix` is where the pod stands in its object
 * (`/spec/template`, empty for a Pod). Throws `config.invalid` when an annotation is wrong.
 */
export function injectionPatch(
  pod: Pod,
  injection: Injection,
  prefix: string,
): Operation[] {
  const annotations = podAnnotations(pod, injection);
  const described: Pod = {
    ...pod,
    annotations: { ...pod.annotations, ...annotations },
  };
  const { values, debug } = applyAnnotations(
    injection.values,
    described,
    injection.namespaceAnnotations,
  );
  refuseSysctl(values);
  const version = values.proxy.image.version || values.linkerdVersion;
  // What its namespace says stands on the pod as well, so that taps know why.
  const tap = isTapped(pod, injection)
    ? ANNOTATIONS.tapEnabled
    : ANNOTATIONS.disableTap;
  return [
    ...metadataOperations(pod, prefix, "annotations", {
      ...annotations,
      [ANNOTATIONS.proxyVersion]: version,
      [tap]: "true",
    }),
    ...metadataOperations(
      // The operations above have made the metadata if there was none.
      { ...pod, metadata: pod.metadata ?? {} },
      prefix,
      "labels",
      podLabels(injection),
    ),
    ...specOperations(described, values, debug, injection, `${prefix}/spec`),
  ];
}

/** A kernel setting can be changed by root alone; whether the install allows it is known only here. */
function refuseSysctl({ proxyInit }: InjectionValues): void {
  if (proxyInit.closeWaitTimeoutSecs === 0 || proxyInit.runAsRoot) return;
  throw new Problem(
    "config.invalid",
    `annotation config.linkerd.io/close-wait-timeout is "${proxyInit.closeWaitTimeoutSecs}s", expected an install with proxyInit.runAsRoot=true`,
  );
}

function podAnnotations(pod: Pod, injection: Injection): Texts {
  const inherited = inheritedAnnotations(
    injection.namespaceAnnotations,
    pod.annotations,
  );
  const key = ANNOTATIONS.opaquePorts;
  const opaque = (inherited[key] ?? pod.annotations[key]) === undefined
    ? defaultOpaquePorts(pod, injection.values.proxy.opaquePorts)
    : "";
  return {
    ...inherited,
    ...(opaque === "" ? {} : { [key]: opaque }),
    [ANNOTATIONS.createdBy]: injection.createdBy,
    [ANNOTATIONS.trustRootSha256]: injection.trustRootSha256,
  };
}

/** Whether the pod's requests may be shown; a pod or its namespace says when not. */
function isTapped(pod: Pod, { namespaceAnnotations }: Injection): boolean {
  return [pod.annotations, namespaceAnnotations]
    .every((annotations) => annotations[ANNOTATIONS.disableTap] !== "true");
}

/** Kinds of owners that metrics name. Linkerd's injector leaves out cronjob; its command does not, nor do we. */
const LABELLED: ReadonlySet<string> = new Set([
  "cronjob",
  "daemonset",
  "deployment",
  "job",
  "replicaset",
  "replicationcontroller",
  "statefulset",
]);

function podLabels(injection: Injection): Texts {
  const { namespace, owner, workloadNamespace } = injection;
  return {
    [LABELS.controlPlaneNamespace]: namespace,
    ...(owner === undefined || !LABELLED.has(owner.kind)
      ? {}
      : { [`linkerd.io/proxy-${owner.kind}`]: owner.name }),
    ...(workloadNamespace === undefined
      ? {}
      : { [LABELS.workloadNamespace]: workloadNamespace }),
  };
}

/** Adds labels or annotations one by one, sorted, after what they need to stand in. */
export function metadataOperations(
  pod: Pick<Pod, "metadata" | "labels" | "annotations">,
  prefix: string,
  field: "labels" | "annotations",
  texts: Texts,
): Operation[] {
  const path = `${prefix}/metadata`;
  const operations: Operation[] = [];
  if (pod.metadata === null) operations.push(add(path, {}));
  if (Object.keys(pod[field]).length === 0) {
    operations.push(add(`${path}/${field}`, {}));
  }
  for (const key of Object.keys(texts).sort()) {
    operations.push(add(`${path}/${field}/${escapePointer(key)}`, texts[key]));
  }
  return operations;
}

function specOperations(
  pod: Pod,
  values: InjectionValues,
  debug: boolean,
  injection: Injection,
  path: string,
): Operation[] {
  const native = values.proxy.nativeSidecar;
  const surroundings = surroundingsOf(
    pod.containers[0]?.fields,
    serviceAccountMount(pod),
  );
  const inboundPorts = values.proxy.podInboundPorts || containerPorts(pod);
  const proxy = proxyContainer(
    {
      values,
      namespace: injection.namespace,
      inboundPorts,
      isTapped: isTapped(pod, injection),
    },
    surroundings,
  );
  const operations: Operation[] = [];
  if (!Array.isArray(pod.spec["volumes"])) {
    operations.push(add(`${path}/volumes`, []));
  }
  if (!Array.isArray(pod.spec["initContainers"])) {
    operations.push(add(`${path}/initContainers`, []));
  }
  if (!values.cniEnabled) {
    operations.push(add(`${path}/volumes/-`, xtablesLockVolume(values)));
  }
  operations.push(
    add(
      `${path}/initContainers/${native ? "0" : "-"}`,
      firstContainer(values, surroundings),
    ),
  );
  if (debug) {
    operations.push(add(`${path}/containers/-`, debugContainer(values)));
  }
  for (const volume of proxyVolumes(values)) {
    operations.push(add(`${path}/volumes/-`, volume));
  }
  const place = native
    ? "initContainers/1"
    : values.proxy.await
    ? "containers/0"
    : "containers/-";
  operations.push(add(`${path}/${place}`, proxy));
  return operations;
}

function add(path: string, value: unknown): Operation {
  return { op: "add", path, value };
}

/** A key as one step of a JSON pointer (RFC 6901). */
export function escapePointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
