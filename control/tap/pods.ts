import type { Pod } from "../../schemas/kube.ts";
import { ANNOTATIONS, LABELS, PORTS } from "../../schemas/names.ts";
import type { Labels } from "../../schemas/tap.ts";
import { isMeshed, ownerLabel, proxyPort } from "../index/endpoint.ts";
import { podIps } from "../index/workloads.ts";

/** A running pod, as a tap sees it. */
export interface TapPod {
  /** Another one when the pod comes back with another address. */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  /** Those that nobody else has: none of a pod on its node's network. */
  readonly ips: readonly string[];
  /** Where its proxy is tapped. */
  readonly port: number;
  /** The name that its proxy goes by; null when that cannot be told. */
  readonly identity: string | null;
  readonly labels: Labels;
  /** What it belongs to, by kind as Kubernetes calls it. */
  readonly owners: Labels;
  /** What events say of it. */
  readonly metadata: Labels;
  readonly state: TapState;
}

/** `missing`: injected before there was tap, or by another hand. */
export type TapState = "enabled" | "disabled" | "missing" | "unmeshed";

/** Read of a Pod object. */
export function tapPodOf(pod: Pod): TapPod {
  const { namespace, name, labels = {} } = pod.metadata;
  const ips = podIps(pod);
  return {
    id: `${namespace}/${name} ${ips.join(" ")}`,
    namespace,
    name,
    ips: pod.spec?.hostNetwork === true ? [] : ips,
    port: proxyPort(pod, "CONTROL", PORTS.tap),
    identity: identityOf(pod),
    labels,
    owners: ownersOf(pod),
    metadata: metadataOf(pod),
    state: stateOf(pod),
  };
}

function stateOf(pod: Pod): TapState {
  if (!isMeshed(pod)) return "unmeshed";
  const { annotations = {} } = pod.metadata;
  if (annotations[ANNOTATIONS.disableTap] === "true") return "disabled";
  return annotations[ANNOTATIONS.tapEnabled] === "true" ? "enabled" : "missing";
}

/** As Linkerd labels the ends of a tapped request. */
function metadataOf(pod: Pod): Labels {
  const { namespace, name, labels = {} } = pod.metadata;
  const controlNamespace = labels[LABELS.controlPlaneNamespace];
  const hash = labels[LABELS.podTemplateHash];
  return {
    pod: name,
    namespace,
    serviceaccount: accountOf(pod),
    ...ownerLabel(pod),
    ...controlNamespace ? { control_plane_ns: controlNamespace } : {},
    ...hash ? { pod_template_hash: hash } : {},
  };
}

function ownersOf(pod: Pod): Labels {
  const owners: Record<string, string> = {};
  for (const { kind, name } of pod.metadata.ownerReferences ?? []) {
    owners[kind.toLowerCase()] = name;
  }
  const { deployment } = ownerLabel(pod);
  if (deployment !== undefined) owners["deployment"] = deployment;
  // A CronJob's Job is named after it and the minute it is of, so that no Job needs to be read.
  const cronjob = /^(.+)-\d{8,}$/.exec(owners["job"] ?? "")?.[1];
  if (cronjob !== undefined) owners["cronjob"] = cronjob;
  return owners;
}

function identityOf(pod: Pod): string | null {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const proxy = [...containers, ...initContainers]
    .find(({ name }) => name === "linkerd-proxy");
  const name = proxy?.env
    ?.find(({ name }) => name === "LINKERD2_PROXY_IDENTITY_LOCAL_NAME")?.value
    ?.replaceAll("$(_pod_sa)", accountOf(pod))
    .replaceAll("$(_pod_ns)", pod.metadata.namespace);
  return name === undefined || !/^[a-z0-9.-]+$/.test(name) ? null : name;
}

function accountOf({ spec }: Pod): string {
  return spec?.serviceAccountName ?? "default";
}
