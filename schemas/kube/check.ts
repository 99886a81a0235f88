import { parseIp } from "../address.ts";
import type { KubeObject, Server } from "../kube.ts";
import { type FieldPath, FieldProblem } from "./field-problem.ts";
import { fieldProblem } from "./validate.ts";

/** What a manifest's schema cannot say: fields that depend on one another, and what is not enforced yet. */
export function checkObject(object: KubeObject, what: string): void {
  switch (object.kind) {
    case "Server":
      return checkServer(object, what);
    case "EndpointSlice":
      if (object.addressType === "FQDN") return;
      for (const [at, endpoint] of object.endpoints?.entries() ?? []) {
        for (const [of, ip] of endpoint.addresses.entries()) {
          requireIp(ip, ["endpoints", at, "addresses", of], what);
        }
      }
      return;
    case "Service": {
      const { clusterIP = "", clusterIPs = [] } = object.spec;
      if (clusterIP !== "" && clusterIP !== "None") {
        requireIp(clusterIP, ["spec", "clusterIP"], what);
      }
      for (const [at, ip] of clusterIPs.entries()) {
        if (ip !== "None") requireIp(ip, ["spec", "clusterIPs", at], what);
      }
      return;
    }
    case "Pod": {
      const { podIP, podIPs = [], hostIP } = object.status ?? {};
      if (podIP) requireIp(podIP, ["status", "podIP"], what);
      if (hostIP) requireIp(hostIP, ["status", "hostIP"], what);
      for (const [at, { ip }] of podIPs.entries()) {
        requireIp(ip, ["status", "podIPs", at, "ip"], what);
      }
      return;
    }
    case "Namespace":
      return;
  }
}

function requireIp(
  text: string,
  path: FieldPath,
  what: string,
): void {
  if (parseIp(text) !== null) return;
  throw fieldProblem(what, path, text, "an IP address");
}

function checkServer(server: Server, what: string): void {
  const { podSelector, externalWorkloadSelector, accessPolicy } = server.spec;
  if (externalWorkloadSelector !== undefined) {
    throw new FieldProblem(
      "manifest.unsupported",
      ["spec", "externalWorkloadSelector"],
      `Cannot apply ${what}: this version does not know ExternalWorkloads`,
      { hint: "select Pods with spec.podSelector" },
    );
  }
  if (podSelector === undefined) {
    throw fieldProblem(what, ["spec", "podSelector"], undefined, "a selector");
  }
  if (accessPolicy !== undefined && accessPolicy !== "all-unauthenticated") {
    throw new FieldProblem(
      "manifest.unsupported",
      ["spec", "accessPolicy"],
      `Cannot apply ${what}: this version does not enforce spec.accessPolicy "${accessPolicy}"`,
      {
        hint:
          'leave accessPolicy out, or write "all-unauthenticated" if nothing is to be restricted',
      },
    );
  }
}
