import type { Sidecar } from "../environment.ts";
import { MOUNT_PATHS } from "../volumes.ts";
import { identityName } from "./identity.ts";
import { type EnvVar, set } from "./variable.ts";

/** Where traces go, and what they say of the pod; nothing when there are none. */
export function tracing({ values, namespace }: Sidecar): EnvVar[] {
  const { enabled, traceServiceName, labels, collector } = values.proxy.tracing;
  if (!enabled) return [];
  const { serviceAccountName, namespace: realm } = collector.meshIdentity;
  return [
    set(
      "LINKERD2_PROXY_TRACE_ATTRIBUTES_PATH",
      `${MOUNT_PATHS.podinfo}/labels`,
    ),
    set(
      "LINKERD2_PROXY_TRACE_ANNOTATIONS_PATH",
      `${MOUNT_PATHS.podinfo}/annotations`,
    ),
    set("LINKERD2_PROXY_TRACE_PROTOCOL", "opentelemetry"),
    set("LINKERD2_PROXY_TRACE_SERVICE_NAME", traceServiceName),
    set("LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR", collector.endpoint),
    set(
      "LINKERD2_PROXY_TRACE_COLLECTOR_SVC_NAME",
      identityName(serviceAccountName, realm, namespace, values),
    ),
    set(
      "LINKERD2_PROXY_TRACE_EXTRA_ATTRIBUTES",
      Object.entries(labels).map(([key, value]) => `${key}=${value}\n`).join(
        "",
      ),
    ),
  ];
}
