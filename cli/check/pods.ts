import { LABELS } from "../../schemas/names.ts";
import type { ContainerStatus, Pod } from "./objects.ts";
import { PODS } from "./resources.ts";
import type { Scene } from "./scene.ts";

/** The container, of either kind, that is a pod's proxy. */
export const PROXY = "linkerd-proxy";

/** Pods that have ended on purpose, or with their node: nothing is wrong with them. */
const OVER = ["Completed", "NodeShutdown", "Shutdown", "Terminated"];

export function isOver(pod: Pod): boolean {
  return OVER.includes(statusOf(pod));
}

/** A pod's STATUS as `kubectl get pods` shows it. */
export function statusOf({ metadata, spec, status = {} }: Pod): string {
  if (metadata.deletionTimestamp !== undefined) {
    return status.reason === "NodeLost" ? "Unknown" : "Terminating";
  }
  const shown = status.reason || status.phase || "Unknown";
  const inits = status.initContainerStatuses ?? [];
  for (const [at, init] of inits.entries()) {
    const isSidecar = spec.initContainers?.find(({ name }) =>
      name === init.name
    )?.restartPolicy === "Always";
    if (isSidecar ? init.started === true : hasSucceeded(init)) continue;
    const reason = reasonOf(init);
    return reason === undefined || reason === "PodInitializing"
      ? `Init:${at}/${inits.length}`
      : `Init:${reason}`;
  }
  const containers = status.containerStatuses ?? [];
  const reasons = containers.map(reasonOf).filter((one) => one !== undefined);
  const [reason = shown] = reasons;
  // One container that has ended well does not make a running pod a completed one.
  if (reason !== "Completed") return reason;
  return containers.some(({ ready, state }) => ready && state?.running)
    ? "Running"
    : reason;
}

function hasSucceeded({ state }: ContainerStatus): boolean {
  return state?.terminated?.exitCode === 0;
}

/** Why a container is not running. */
function reasonOf({ state }: ContainerStatus): string | undefined {
  const { waiting, terminated } = state ?? {};
  if (waiting?.reason) return waiting.reason;
  if (terminated === undefined) return undefined;
  const { reason, signal, exitCode } = terminated;
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

export function areContainersReady({ status }: Pod): boolean {
  const containers = status?.containerStatuses ?? [];
  return containers.length > 0 &&
    containers.every(({ ready }) => ready === true);
}

/** Whether a pod's proxy says that it is ready. */
export function isProxyReady({ status }: Pod): boolean {
  return [
    ...status?.containerStatuses ?? [],
    ...status?.initContainerStatuses ?? [],
  ].some(({ name, ready }) => name === PROXY && ready === true);
}

/** The proxy of a pod as it is written in it. */
export function proxyOf(
  { spec }: Pod,
): Pod["spec"]["containers"][0] | undefined {
  return [...spec.containers, ...spec.initContainers ?? []]
    .find(({ name }) => name === PROXY);
}

/** Pods with a proxy of this control plane, where `--namespace` says. Chosen here: other checks read all pods as well. */
export async function dataPlanePods(
  { list, settings }: Scene,
): Promise<readonly Pod[]> {
  const pods = await list(PODS, { namespace: settings.dataPlaneNamespace });
  return pods.filter(({ metadata }) =>
    metadata.labels?.[LABELS.controlPlaneNamespace] === settings.namespace
  );
}
