import type { Server } from "../../schemas/kube.ts";
import { ANNOTATIONS } from "../../schemas/names.ts";
import type {
  HttpServer,
  ServerPolicy,
  ServerProtocol,
} from "../../schemas/policy.ts";
import type { ServerPolicyQuery } from "../views.ts";
import { annotatedPorts, annotationOf } from "./annotations.ts";
import { authorizationsOfServer } from "./authorizations.ts";
import {
  grpcRoutes,
  httpRoutes,
  isGrpc,
  routesOf,
  type WorkloadPort,
} from "./inbound-routes.ts";
import { idOf } from "./keys.ts";
import {
  authorizationsOf,
  type InboundMode,
  modeMeta,
  parseInboundMode,
} from "./modes.ts";
import { includesPort } from "./ports.ts";
import { rateLimitOf } from "./rate-limits.ts";
import { serversOf } from "./servers.ts";
import type { State } from "./state.ts";
import { namedPorts, type Workload } from "./workloads.ts";

/** How long a proxy waits for a client's first bytes (fixed in Linkerd's policy controller). */
const DETECT_TIMEOUT_MS = 10_000;

/** Who may call a workload's port and what is spoken there; null when there is no such workload. */
export function serverPolicyOf(
  query: ServerPolicyQuery,
  state: State,
): ServerPolicy | null {
  const { port } = query;
  const workload = "pod" in query
    ? state.pods.byId.get(idOf(query.pod))
    : state.externals.byId.get(idOf(query.external));
  if (workload === undefined) return null;
  const [server] = serversOf(state.servers, workload, port);
  const mode = modeOf(workload, server, state);
  const requireIdentity = includesPort(
    annotatedPorts(workload, ANNOTATIONS.requireIdentityPorts, state) ?? [],
    port,
  );
  const { clusterNetworks } = state.settings;
  const byMode = authorizationsOf(mode, clusterNetworks, requireIdentity);
  if (server === undefined) {
    return {
      protocol: annotatedProtocol({ workload, port }, state),
      authorizations: byMode,
      meta: modeMeta(mode),
    };
  }
  return {
    protocol: declaredProtocol(server, { workload, port }, state),
    // What somebody wrote comes first, so that metrics name it where both let a client in.
    authorizations: [...authorizationsOfServer(server, state), ...byMode],
    meta: {
      group: "policy.linkerd.io",
      kind: "server",
      name: server.metadata.name,
    },
  };
}

/** A Server's own access policy, which is to deny if it has none; else what the workload asks for, else the mesh's default. */
function modeOf(
  workload: Workload,
  server: Server | undefined,
  state: State,
): InboundMode {
  if (server !== undefined) return server.spec.accessPolicy ?? "deny";
  const asked = annotationOf(workload, ANNOTATIONS.defaultInboundPolicy, state);
  if (asked === undefined) return state.settings.defaultInboundPolicy;
  // A word that means nothing was to restrict something, so it opens nothing.
  return parseInboundMode(asked) ?? "deny";
}

function declaredProtocol(
  server: Server,
  at: WorkloadPort,
  state: State,
): ServerProtocol {
  const declared = server.spec.proxyProtocol ?? "unknown";
  if (declared === "opaque") return { kind: "opaque" };
  if (declared === "TLS") return { kind: "tls" };
  const routes = routesOf(server, state);
  const rateLimit = rateLimitOf(server, state);
  if (declared === "gRPC" && rateLimit === null && routes.every(isGrpc)) {
    return { kind: "grpc", routes: grpcRoutes(routes, at, state) };
  }
  const http: HttpServer = {
    routes: httpRoutes(routes, at, state),
    ...rateLimit === null ? {} : { rateLimit },
  };
  switch (declared) {
    case "unknown":
      return { kind: "detect", timeoutMs: DETECT_TIMEOUT_MS, ...http };
    case "HTTP/1":
      return { kind: "http1", ...http };
    // The API of gRPC servers has no HTTPRoutes and no rate limits. As one of HTTP/2, which it is, what was written holds.
    case "gRPC":
    case "HTTP/2":
      return { kind: "http2", ...http };
  }
}

/**
 * Opaque where the workload's annotation says so. Of the mesh's list only ports count that the workload names, which
 * is what Linkerd's injector would have written into the annotation.
 */
function annotatedProtocol(at: WorkloadPort, state: State): ServerProtocol {
  const { workload, port } = at;
  const declared = annotatedPorts(workload, ANNOTATIONS.opaquePorts, state);
  const isOpaque = declared !== undefined
    ? includesPort(declared, port)
    : includesPort(state.settings.defaultOpaquePorts, port) &&
      namedPorts(workload).some((named) => named.port === port);
  return isOpaque ? { kind: "opaque" } : {
    kind: "detect",
    timeoutMs: DETECT_TIMEOUT_MS,
    routes: httpRoutes([], at, state),
  };
}
