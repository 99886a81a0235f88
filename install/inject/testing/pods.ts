import type { Injection } from "../patch.ts";
import { type Fields, type Pod, readWorkload } from "../workload.ts";
import { INJECTION_DEFAULTS } from "../../../schemas/values/proxy-defaults.ts";

/** A pod with one container, and what a test adds to its metadata and spec. */
export function pod(metadata: Fields = {}, spec: Fields = {}): Pod {
  const workload = readWorkload({
    kind: "Pod",
    metadata,
    spec: { containers: [{ name: "web", image: "nginx" }], ...spec },
  });
  if (workload === null) throw new Error("a Pod is a workload");
  return workload.pod;
}

/** An injection as the webhook of a default install does it. */
export function injection(over: Partial<Injection> = {}): Injection {
  return {
    values: INJECTION_DEFAULTS,
    namespace: "linkerd",
    createdBy: "linkerd/proxy-injector 0.0.0",
    trustRootSha256: "abc",
    namespaceAnnotations: {},
    workloadNamespace: "shop",
    owner: { kind: "deployment", name: "web" },
    ...over,
  };
}
