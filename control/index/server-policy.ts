import type { Pod, Server } from "../../schemas/kube.ts";
import { ANNOTATIONS } from "../../schemas/names.ts";
import type { ServerPolicy, ServerProtocol } from "../../schemas/policy.ts";
import type { ServerPolicyQuery } from "../views.ts";
import { annotationOf, podPorts } from "./annotations.ts";
import type { State } from "./fold.ts";
import { idOf } from "./keys.ts";
import {
  authorizationsOf,
  type InboundMode,
  modeMeta,
  parseInboundMode,
} from "./modes.ts";
import { includesPort } from "./ports.ts";
import { serversOf } from "./servers.ts";
import { tcpPorts } from "./workloads.ts";

/** How long a proxy waits for a client's first bytes (fixed in Linkerd's policy controller). */
const DETECT_TIMEOUT_MS = 10_000;

/** Who may call a Pod's port and what is spoken there; null when there is no such Pod. */
export function serverPolicyOf(
  { pod: name, port }: ServerPolicyQuery,
  state: State,
): ServerPolicy | null {
  const pod = state.workloads.byId.get(idOf(name));
  if (pod === undefined) return null;
  const [server] = serversOf(state.servers, pod, port);
  const mode = modeOf(pod, server, state);
  const requireIdentity = includesPort(
    podPorts(pod, ANNOTATIONS.requireIdentityPorts, state) ?? [],
    port,
  );
  const { clusterNetworks } = state.settings;
  return {
    protocol: server === undefined
      ? annotatedProtocol(pod, port, state)
      : declaredProtocol(server),
    authorizations: authorizationsOf(mode, clusterNetworks, requireIdentity),
    meta: server === undefined ? modeMeta(mode) : {
      group: "policy.linkerd.io",
      kind: "server",
      name: server.metadata.name,
    },
  };
}

/** A Server's own access policy, else what the Pod asks for, else the mesh's default. */
function modeOf(
  pod: Pod,
  server: Server | undefined,
  state: State,
): InboundMode {
  const asked = server?.spec.accessPolicy ??
    annotationOf(pod, ANNOTATIONS.defaultInboundPolicy, state);
  return parseInboundMode(asked ?? "") ?? state.settings.defaultInboundPolicy;
}

function declaredProtocol({ spec }: Server): ServerProtocol {
  const declared = spec.proxyProtocol ?? "unknown";
  switch (declared) {
    case "unknown":
      return { kind: "detect", timeoutMs: DETECT_TIMEOUT_MS };
    case "HTTP/1":
      return { kind: "http1" };
    case "HTTP/2":
      return { kind: "http2" };
    case "gRPC":
      return { kind: "grpc" };
    case "opaque":
      return { kind: "opaque" };
    case "TLS":
      return { kind: "tls" };
  }
}

/**
 * Opaque where the Pod's annotation says so. Of the mesh's list only ports count that the Pod's containers name, which
 * is what Linkerd's injector would have written into the annotation.
 */
function annotatedProtocol(
  pod: Pod,
  port: number,
  state: State,
): ServerProtocol {
  const declared = podPorts(pod, ANNOTATIONS.opaquePorts, state);
  const isOpaque = declared !== undefined
    ? includesPort(declared, port)
    : includesPort(state.settings.defaultOpaquePorts, port) &&
      tcpPorts(pod).some(({ containerPort }) => containerPort === port);
  return isOpaque
    ? { kind: "opaque" }
    : { kind: "detect", timeoutMs: DETECT_TIMEOUT_MS };
}
