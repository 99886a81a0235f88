import type { KubeObject } from "../../demo/bed/objects.ts";
import { type Pod, proxyOf } from "../../demo/bed/pod.ts";
import { waitFor } from "../../demo/bed/wait.ts";
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

let markers = 0;

/** An HTTPRoute that answers a path of its own with a redirect, so that a request can tell that it is in force. */
export function markedRoute(
  service: Parameters<typeof routeObject>[1],
  rules: readonly Fields[],
  options?: Parameters<typeof routeObject>[3],
): { readonly object: KubeObject; readonly path: string } {
  const path = `/marker-${++markers}`;
  const marked = {
    matches: [{ path: { type: "Exact", value: path } }],
    filters: [{
      type: "RequestRedirect",
      requestRedirect: { hostname: "elsewhere" },
    }],
  };
  const all = [marked, ...rules];
  return { object: routeObject("HTTPRoute", service, all, options), path };
}

/** Waits until a request for the path of a marked route is redirected. */
export async function untilMarked(
  ask: () => Promise<{ readonly status: number }>,
): Promise<void> {
  await waitFor(async () => (await ask()).status === 302 || null, {
    what: () => "the route in force",
    // A proxy asks again after 30 s for an address that the control plane has not heard of.
    timeoutMs: 45_000,
  });
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
