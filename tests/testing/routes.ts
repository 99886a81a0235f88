import type { KubeObject } from "../../demo/bed/objects.ts";
import { type Pod, proxyOf } from "../../demo/bed/pod.ts";
import { parseMetrics } from "../../demo/metrics.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A Gateway API route of namespace `default` for the clients of a Service's port. */
export function routeObject(
  kind: "HTTPRoute" | "GRPCRoute",
  service: { readonly name: string; readonly port: number },
  rules: readonly Fields[],
  { name = service.name, annotations = {} }: {
    readonly name?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  } = {},
): KubeObject {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind,
    metadata: { name, namespace: "default", annotations },
    spec: {
      parentRefs: [{ group: "core", kind: "Service", ...service }],
      rules,
    },
  };
}

/** The sum of a family's samples with these labels, on the page of a pod's proxy. */
export async function readCount(
  pod: Pod,
  family: string,
  wanted: Readonly<Record<string, string>>,
): Promise<number> {
  const samples = parseMetrics(await proxyOf(pod).metrics());
  return samples.filter(({ name, labels }) =>
    name === family &&
    Object.entries(wanted).every(([key, value]) => labels[key] === value)
  ).reduce((sum, { value }) => sum + value, 0);
}
