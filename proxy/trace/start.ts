import type { TraceConfig } from "../config/trace.ts";
import { openTracing, type TracingOptions } from "./open.ts";
import { readLabels, resourceOf } from "./resource.ts";

/** Begins to take part in traces, under this process' name; undefined without a collector. */
export async function startTracing(
  config: TraceConfig,
  options: Omit<TracingOptions, "resource">,
): Promise<ReturnType<typeof openTracing> | undefined> {
  const { collector, attributesPath } = config;
  if (collector === null) return undefined;
  const labels = await readLabels(attributesPath, options.log);
  const self = {
    pid: process.pid,
    startedAt: Math.floor(Date.now() / 1_000 - process.uptime()),
  };
  return openTracing(collector, {
    ...options,
    resource: resourceOf(config, self, labels),
  });
}
