import { LABELS } from "../../../schemas/names.ts";
import { type Category, failed, PASSED, type Verdict } from "../check.ts";
import type { Pod } from "../objects.ts";
import { areContainersReady, isOver, statusOf } from "../pods.ts";
import { PODS, REPLICA_SETS } from "../resources.ts";
import type { Scene } from "../scene.ts";
import {
  nodesOutside,
  podsOutside,
  servicesOutside,
} from "./cluster-networks.ts";

/** The Deployments of a control plane, by component. */
export const COMPONENTS = ["destination", "identity", "proxy-injector"];

/** Whether a control plane is there, and runs. What does not run is not fatal: later checks tell why (docs/decisions/0087). */
export const LINKERD_EXISTENCE: Category = {
  name: "linkerd-existence",
  checks: [
    {
      description: "'linkerd-config' config map exists",
      anchor: "l5d-existence-linkerd-config",
      severity: "fatal",
      run: async ({ config }) => {
        await config();
        return PASSED;
      },
    },
    {
      description: "control plane replica sets are ready",
      anchor: "l5d-existence-replicasets",
      severity: "error",
      retry: "quietly",
      run: findFailedReplicaSets,
    },
    {
      description: "no unschedulable pods",
      anchor: "l5d-existence-unschedulable-pods",
      severity: "warning",
      retry: "aloud",
      run: findUnschedulable,
    },
    {
      description: "control plane pods are ready",
      anchor: "l5d-api-control-ready",
      severity: "error",
      retry: "aloud",
      run: findUnready,
    },
    {
      description: "cluster networks contains all node podCIDRs",
      anchor: "l5d-cluster-networks-cidr",
      severity: "error",
      run: nodesOutside,
    },
    {
      description: "cluster networks contains all pods",
      anchor: "l5d-cluster-networks-pods",
      severity: "error",
      run: podsOutside,
    },
    {
      description: "cluster networks contains all services",
      anchor: "l5d-cluster-networks-pods",
      severity: "error",
      run: servicesOutside,
    },
  ],
};

async function findFailedReplicaSets(
  { list, settings: { namespace } }: Scene,
): Promise<Verdict> {
  const sets = await list(REPLICA_SETS, { namespace });
  const failures = sets.flatMap(({ status }) => status?.conditions ?? [])
    .filter(({ type, status }) =>
      type === "ReplicaFailure" && status === "True"
    )
    .map(({ reason, message }) => `${reason}: ${message}`);
  return failures.length === 0 ? PASSED : failed(failures.join("\n"));
}

async function findUnschedulable(
  { list, settings: { namespace } }: Scene,
): Promise<Verdict> {
  const pods = await list(PODS, { namespace });
  const found = pods.flatMap(({ metadata, status }) =>
    (status?.conditions ?? [])
      .filter(({ reason }) => reason === "Unschedulable")
      .map(({ message }) => `${metadata.name}: ${message}`)
  );
  return found.length === 0 ? PASSED : failed(found.join("\n"));
}

/** Each component needs one pod that runs with all its containers ready. */
async function findUnready(
  { list, settings: { namespace } }: Scene,
): Promise<Verdict> {
  const pods = await list(PODS, { namespace });
  const wrong = COMPONENTS.flatMap((component) => {
    const running = pods.filter((pod) =>
      pod.metadata.labels?.[LABELS.controlPlaneComponent] === component &&
      !isOver(pod) && statusOf(pod) === "Running"
    );
    if (running.length === 0) {
      return [`No running pods for "linkerd-${component}"`];
    }
    return running.some(areContainersReady) ? [] : running.flatMap(unready);
  });
  return wrong.length === 0 ? PASSED : failed(wrong.join("\n"));
}

function unready({ metadata, status }: Pod): string[] {
  return (status?.containerStatuses ?? [])
    .filter(({ ready }) => ready !== true)
    .map(({ name }) => `pod/${metadata.name} container ${name} is not ready`);
}
