import { ANNOTATIONS, LABELS } from "../../schemas/names.ts";
import type { Container, Pod, Texts } from "./workload.ts";

/** Why a pod is left as it is; the ids are those of Linkerd's metrics. */
export type Reason =
  | "host_network_enabled"
  | "sidecar_already_exists"
  | "injection_enable_annotation_absent"
  | "injection_disable_annotation_present"
  | "invalid_inject_annotation_at_workload"
  | "invalid_inject_annotation_at_ns"
  | "disabled_automount_service_account_token_account";

/** Inject, with where somebody asked for it, or skip with every reason. */
export type Decision =
  | { readonly inject: true; readonly askedAt: "namespace" | "workload" | null }
  | { readonly inject: false; readonly reasons: readonly Reason[] };

/** What is known when the decision falls. */
export interface Situation {
  /** `webhook`: somebody must have asked. `cli`: running the command is asking, unless the pod says no. */
  readonly origin: "webhook" | "cli";
  readonly pod: Pod;
  readonly namespaceAnnotations: Texts;
  /** Whether proxies get a token of their own (`identity.serviceAccountTokenProjection`). */
  readonly tokenProjection: boolean;
}

/** Decides whether a pod gets a proxy; every reason against it is collected, and any one blocks. */
export function decide(situation: Situation): Decision {
  const { pod, tokenProjection } = situation;
  const reasons: Reason[] = [];
  if (pod.spec["hostNetwork"] === true) reasons.push("host_network_enabled");
  if (hasSidecar(pod)) reasons.push("sidecar_already_exists");
  const asked = isAsked(situation);
  if (asked.reason !== undefined) reasons.push(asked.reason);
  if (!tokenProjection && lacksToken(situation)) {
    reasons.push("disabled_automount_service_account_token_account");
  }
  return reasons.length > 0
    ? { inject: false, reasons }
    : { inject: true, askedAt: asked.at };
}

/** The truth table of `linkerd.io/inject` on namespace and pod (Linkerd 2.x). */
function isAsked(
  { origin, pod, namespaceAnnotations }: Situation,
): { readonly at: "namespace" | "workload" | null; readonly reason?: Reason } {
  const own = pod.annotations[ANNOTATIONS.inject] ?? "";
  if (origin === "cli") {
    return own === "disabled"
      ? { at: null, reason: "injection_disable_annotation_present" }
      : { at: "workload" };
  }
  const around = namespaceAnnotations[ANNOTATIONS.inject] ?? "";
  if (!WORDS.includes(around)) {
    return { at: null, reason: "invalid_inject_annotation_at_ns" };
  }
  if (!WORDS.includes(own)) {
    return { at: null, reason: "invalid_inject_annotation_at_workload" };
  }
  if (YES.includes(around)) {
    return own === "disabled"
      ? { at: null, reason: "injection_disable_annotation_present" }
      : { at: "namespace" };
  }
  return YES.includes(own)
    ? { at: "workload" }
    : { at: null, reason: "injection_enable_annotation_absent" };
}

const YES = ["enabled", "ingress"];
/** All that may stand in the annotation; empty is the same as absent. */
const WORDS = [...YES, "disabled", ""];

/** Names and images by which a proxy that is there already is known: ours, Linkerd's, Istio's. */
const PROXY_NAMES = ["linkerd-proxy", "istio-proxy"];
const INIT_NAMES = ["linkerd-init", "istio-init"];
const PROXY_IMAGES = [
  "cr.l5d.io/linkerd/proxy:",
  "gcr.io/istio-release/proxyv2:",
];
const INIT_IMAGES = [
  "cr.l5d.io/linkerd/proxy-init:",
  "gcr.io/istio-release/proxy_init:",
];

/** Whether some mesh has put its containers into the pod. */
export function hasSidecar({ containers, initContainers }: Pod): boolean {
  const is =
    (names: readonly string[], images: readonly string[]) =>
    ({ name, image }: Container) =>
      names.includes(name) || images.some((prefix) => image.startsWith(prefix));
  return [...containers, ...initContainers].some(
    is(PROXY_NAMES, PROXY_IMAGES),
  ) ||
    initContainers.some(is(INIT_NAMES, INIT_IMAGES));
}

/** Whether a container listens for UDP, which the mesh does not carry. */
export function hasUdpPorts({ containers, initContainers }: Pod): boolean {
  return [...containers, ...initContainers].some(({ ports }) =>
    ports.some(({ protocol }) => protocol === "UDP")
  );
}

/** Whether the pod belongs to the control plane, whose proxies are written, not injected. */
export function isControlPlane({ labels }: Pod): boolean {
  return labels[LABELS.controlPlaneComponent] !== undefined;
}

/** Where kubelet mounts the token of a pod's service account. */
export const SERVICE_ACCOUNT_PATH =
  "/var/run/secrets/kubernetes.io/serviceaccount";

function lacksToken({ origin, pod }: Situation): boolean {
  if (pod.spec["automountServiceAccountToken"] === false) return true;
  return origin === "webhook" && serviceAccountMount(pod) === undefined;
}

/** The first container's mount of its service account, which the proxy shares. */
export function serviceAccountMount(
  { containers }: Pod,
): { readonly mountPath: string } | undefined {
  const mounts = containers[0]?.fields["volumeMounts"];
  if (!Array.isArray(mounts)) return undefined;
  return mounts.find((mount) => mount?.mountPath === SERVICE_ACCOUNT_PATH);
}

/** Each reason in words, for events and errors. */
export const REASON_TEXT: Readonly<Record<Reason, string>> = {
  host_network_enabled: "hostNetwork is enabled",
  sidecar_already_exists: "pod has a sidecar injected already",
  injection_enable_annotation_absent:
    'neither the namespace nor the pod have the annotation "linkerd.io/inject:enabled"',
  injection_disable_annotation_present:
    'pod has the annotation "linkerd.io/inject:disabled"',
  invalid_inject_annotation_at_workload:
    'invalid value for annotation "linkerd.io/inject" at the workload, expected enabled, disabled or ingress',
  invalid_inject_annotation_at_ns:
    'invalid value for annotation "linkerd.io/inject" at the namespace, expected enabled, disabled or ingress',
  disabled_automount_service_account_token_account:
    'automountServiceAccountToken set to "false", with Values.identity.serviceAccountTokenProjection set to "false"',
};
