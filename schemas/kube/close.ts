import type { Route, Server } from "../kube.ts";
import { FieldProblem } from "./field-problem.ts";
import { fieldsOf } from "./manifest.ts";
import { groupOf, isServer } from "./parents.ts";
import { readRouteStub, readServerStub } from "./readers.ts";

/**
 * What still holds of an object that `parseManifest` refuses and of which nothing else is known: a Server denies, and a
 * Server's route denies all of its requests. For sources that cannot keep such an object out; null for all others, as
 * what permits nobody is no risk.
 */
export function closeManifest(value: unknown): Server | Route | null {
  const { apiVersion, kind } = fieldsOf(value);
  if (typeof apiVersion !== "string") return null;
  try {
    switch (`${groupOf(apiVersion)}/${String(kind)}`) {
      case "policy.linkerd.io/Server": {
        const { metadata, spec } = readServerStub(value, "Server");
        return {
          apiVersion: "policy.linkerd.io/v1beta3",
          kind: "Server",
          metadata,
          spec: { ...spec, accessPolicy: "deny" },
        };
      }
      case "policy.linkerd.io/HTTPRoute":
      case "gateway.networking.k8s.io/HTTPRoute":
      case "gateway.networking.k8s.io/GRPCRoute":
        return closeRoute(value, apiVersion, kind === "GRPCRoute");
      default:
        return null;
    }
  } catch (thrown) {
    if (thrown instanceof FieldProblem) return null;
    throw thrown;
  }
}

function closeRoute(
  value: unknown,
  version: string,
  isGrpc: boolean,
): Route | null {
  const { metadata, spec } = readRouteStub(value, "route");
  const parentRefs = spec.parentRefs ?? [];
  if (!parentRefs.some((parent) => isServer(parent, version))) return null;
  const stub = { metadata, spec: { parentRefs }, isUnreadable: true } as const;
  const gateway = "gateway.networking.k8s.io/v1";
  if (isGrpc) return { apiVersion: gateway, kind: "GRPCRoute", ...stub };
  const apiVersion = version.startsWith("policy.")
    ? "policy.linkerd.io/v1beta3"
    : gateway;
  return { apiVersion, kind: "HTTPRoute", ...stub };
}
