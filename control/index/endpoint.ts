import { parseHostPort, type SocketAddress } from "../../schemas/address.ts";
import type { Endpoint, TlsIdentity } from "../../schemas/destination.ts";
import { formatIdentity } from "../../schemas/identity.ts";
import type { EndpointSlice, Pod } from "../../schemas/kube.ts";
import { ANNOTATIONS, LABELS, PORTS } from "../../schemas/names.ts";
import { Problem } from "../../schemas/problem.ts";
import { annotatedPorts } from "./annotations.ts";
import { includesPort } from "./ports.ts";
import { serversOf } from "./servers.ts";
import type { State } from "./state.ts";
import type { Workload } from "./workloads.ts";

/** One whole share of the weight (Linkerd's unit). */
export const WEIGHT = 10_000;

/** An address that no Pod stands behind: reached in plaintext. */
export function bareEndpoint(address: SocketAddress): Endpoint {
  return {
    address,
    weight: WEIGHT,
    labels: { zone_locality: "unknown" },
    identity: null,
    protocolHint: "none",
    inboundPort: null,
    authorityOverride: null,
    http2: null,
  };
}

/**
 * An address that a slice names by itself: of another cluster's gateway, where the slice says which name that gateway has
 * and what the Service is called behind it.
 */
export function rawEndpoint(
  address: SocketAddress,
  { metadata: { annotations = {} } }: EndpointSlice,
  port: number,
): Endpoint {
  const id = annotations[ANNOTATIONS.gatewayIdentity];
  const name = annotations[ANNOTATIONS.remoteServiceName];
  return {
    ...bareEndpoint(address),
    identity: id ? { id, kind: "dns", serverName: id } : null,
    authorityOverride: name ? `${name}:${port}` : null,
  };
}

/** Endpoints already built; a Pod that changed is another object, and so is what it gives. */
const built = new WeakMap<Pod, Map<string, Endpoint>>();

/**
 * A Pod's port with all that is needed to reach it. The same object is given as long as nothing about it changed, so
 * that sets of endpoints are compared by identity.
 */
export function podEndpoint(
  pod: Pod,
  address: SocketAddress,
  zone: string,
  state: State,
): Endpoint {
  const opaque = isOpaqueEndpoint(pod, address.port, state);
  const skipped = includesPort(
    annotatedPorts(pod, ANNOTATIONS.skipInboundPorts, state) ?? [],
    address.port,
  );
  const known = built.get(pod) ?? new Map<string, Endpoint>();
  built.set(pod, known);
  const key = `${address.ip} ${address.port} ${zone} ${opaque} ${skipped}`;
  const endpoint = known.get(key) ?? {
    address,
    weight: WEIGHT,
    labels: labelsOf(pod, zone),
    authorityOverride: null,
    ...(isMeshed(pod) && !skipped
      ? meshed(pod, address.port, opaque, state)
      : UNMESHED),
  };
  known.set(key, endpoint);
  return endpoint;
}

/**
 * Whether callers forward to the workload's port without parsing: as it is annotated, else by the mesh's list, or because
 * a Server says so.
 */
export function isOpaqueEndpoint(
  workload: Workload,
  port: number,
  state: State,
): boolean {
  const ranges = annotatedPorts(workload, ANNOTATIONS.opaquePorts, state) ??
    state.settings.defaultOpaquePorts;
  return includesPort(ranges, port) ||
    serversOf(state.servers, workload, port)[0]?.spec.proxyProtocol ===
      "opaque";
}

const UNMESHED = {
  identity: null,
  protocolHint: "none",
  inboundPort: null,
  http2: null,
} as const;

function meshed(pod: Pod, port: number, opaque: boolean, state: State) {
  const own = port === proxyPort(pod, "ADMIN", PORTS.admin) ||
    port === proxyPort(pod, "CONTROL", PORTS.tap);
  return {
    identity: identityOf(pod, state),
    protocolHint: opaque ? "opaque" as const : "h2" as const,
    inboundPort: own ? null : proxyPort(pod, "INBOUND", PORTS.inbound),
    http2: state.settings.meshedHttp2,
  };
}

/** Whether the Pod has a proxy, of whichever mesh. */
export function isMeshed({ metadata }: Pod): boolean {
  return Boolean(metadata.labels?.[LABELS.controlPlaneNamespace]);
}

/** The name that the Pod's certificate carries; null in another mesh. */
function identityOf(pod: Pod, { settings }: State): TlsIdentity | null {
  const controlNamespace = pod.metadata.labels?.[LABELS.controlPlaneNamespace];
  if (controlNamespace !== settings.controlNamespace) return null;
  const serviceAccount = pod.spec?.serviceAccountName ?? "default";
  const { namespace } = pod.metadata;
  try {
    const id = formatIdentity({ serviceAccount, namespace }, {
      controlNamespace,
      trustDomain: settings.trustDomain,
    });
    return { id, kind: "dns", serverName: id };
  } catch (thrown) {
    // Kubernetes allows service accounts with dots, which cannot be a label of a name: such a Pod has no certificate.
    if (thrown instanceof Problem) return null;
    throw thrown;
  }
}

/** The port on which the Pod's proxy listens, from its container's environment or else Linkerd's default. */
export function proxyPort(
  { spec }: Pod,
  listener: "INBOUND" | "ADMIN" | "CONTROL",
  usual: number,
): number {
  const proxy = [...spec?.containers ?? [], ...spec?.initContainers ?? []]
    .find(({ name }) => name === "linkerd-proxy");
  const name = `LINKERD2_PROXY_${listener}_LISTEN_ADDR`;
  const listen = proxy?.env?.find((variable) => variable.name === name)?.value;
  return parseHostPort(listen ?? "")?.port ?? usual;
}

/** Labels of metrics, without their `dst_` prefix. */
function labelsOf(pod: Pod, zone: string): Record<string, string> {
  const { name, labels = {} } = pod.metadata;
  const controlNamespace = labels[LABELS.controlPlaneNamespace];
  const hash = labels[LABELS.podTemplateHash];
  return {
    pod: name,
    ...ownerLabel(pod),
    serviceaccount: pod.spec?.serviceAccountName ?? "default",
    ...controlNamespace ? { control_plane_ns: controlNamespace } : {},
    ...hash ? { pod_template_hash: hash } : {},
    zone,
    // No Node objects are read, so the caller's zone is never known.
    zone_locality: "unknown",
  };
}

/**
 * What a Pod, or whatever else is called, belongs to. A ReplicaSet's Deployment is told by the name, which Kubernetes makes of the
 * Deployment's name and the hash that the Pod is labelled with: no ReplicaSet needs to be read for it.
 */
export function ownerLabel({ metadata }: Workload): Record<string, string> {
  const [owner, ...more] = metadata.ownerReferences ?? [];
  if (owner === undefined || more.length > 0) return {};
  const hash = metadata.labels?.[LABELS.podTemplateHash];
  if (
    owner.kind === "ReplicaSet" && hash && owner.name.endsWith(`-${hash}`)
  ) return { deployment: owner.name.slice(0, -hash.length - 1) };
  const kind = owner.kind.toLowerCase();
  return { [kind === "job" ? "k8s_job" : kind]: owner.name };
}
