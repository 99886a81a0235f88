import type { Schema } from "../../schemas/values/check.ts";
import type { Overrides } from "../../schemas/values.ts";

/** Tracing has to say where to. */
export const TRACING = {
  collector: {
    endpoint: "collector.traces:4317",
    meshIdentity: { serviceAccountName: "collector", namespace: "traces" },
  },
};

/** Installs that between them read every value that anything reads. */
export const BASES: readonly Overrides[] = [
  { proxy: { tracing: TRACING } },
  { cniEnabled: true },
  { disableIPv6: false },
  { enablePodDisruptionBudget: true },
  { podMonitor: { enabled: true } },
  { proxy: { nativeSidecar: false } },
  { proxy: { tracing: { ...TRACING, enabled: true } } },
  { installGatewayAPI: true },
];

/** Values that not any value of their type can be. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  clusterNetworks: "192.0.2.0/24",
  "proxy.logLevel": "debug",
  "proxy.requireIdentityOnInboundPorts": "9000",
  "proxy.requireTLSOnInboundPorts": "9000",
  "proxy.podInboundPorts": "9000",
  "proxy.shutdownGracePeriod": "33s",
  "proxy.tracing.collector.endpoint": "other.traces:4317",
  "proxy.inbound": { server: { http2: { keepAliveInterval: "33s" } } },
  "proxy.outbound": { server: { http2: { keepAliveInterval: "33s" } } },
};

/** Values with one value other than it was, as its schema allows. */
export function sampleOf(
  path: string,
  schema: Schema,
  before: unknown,
): Overrides {
  return path.split(".").reduceRight<unknown>(
    (inner, key) => ({ [key]: inner }),
    sample(path, schema, before),
  ) as Overrides;
}

function sample(path: string, schema: Schema, before: unknown): unknown {
  if (path in SAMPLES) return SAMPLES[path];
  const words = schema.enum?.filter((word) => word !== before && word !== "");
  if (words !== undefined) return words[0];
  const form = schema.anyOf?.[0] ?? schema;
  switch (form.type) {
    case "boolean":
      return before !== true;
    case "integer":
      return typeof before === "number" && before > 0 ? before + 1 : 7;
    case "number":
      return 0.5;
    case "array":
      return [sample(path, form.items ?? {}, undefined)];
    case "object":
      return form.properties === undefined
        ? { sample: "sample" }
        : Object.fromEntries(
          Object.entries(form.properties)
            .filter(([key]) => form.required?.includes(key))
            .map(([key, inner]) => [key, sample(path, inner, undefined)]),
        );
    default:
      return textLike(before);
  }
}

/** A text of the kind that was there. */
function textLike(before: unknown): string {
  if (typeof before !== "string") return "sample";
  if (/^\d+(ms|s|m|h)/.test(before)) return "33s";
  return /^[\d,]+$/.test(before) ? "9000" : "sample";
}
