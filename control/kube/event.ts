import { callApi } from "./api.ts";
import type { ApiServer } from "./in-cluster.ts";
import type { Owner } from "./owner.ts";

/** Longer than this nobody reads; the API allows 1,024. */
const MESSAGE_MAX_CHARS = 1_000;

const TIMEOUT_MS = 4_000;

/** Records on an object what was done about it, for `kubectl describe` and `kubectl get events`. */
export async function recordEvent(
  server: ApiServer,
  about: Owner & { readonly namespace: string },
  { reason, message, component, now }: {
    readonly reason: string;
    readonly message: string;
    readonly component: string;
    readonly now: Date;
  },
): Promise<void> {
  const time = now.toISOString().replace(/\.\d+Z$/, "Z");
  const { namespace, ...owner } = about;
  await callApi(server, {
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/events`,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    body: {
      apiVersion: "v1",
      kind: "Event",
      metadata: { generateName: `${owner.name}.`, namespace },
      involvedObject: { ...owner, namespace },
      type: "Normal",
      reason,
      message: message.slice(0, MESSAGE_MAX_CHARS),
      source: { component },
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
    },
  });
}
