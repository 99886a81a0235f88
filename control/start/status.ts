import type { Standing, Verdict } from "../conditions.ts";
import type { ApiServer } from "../kube/in-cluster.ts";
import { holdLease, type LeaseTimes } from "../kube/lease.ts";
import type { Standings } from "../kube/standings.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { ObjectEvent } from "../source.ts";
import { addStatusMetrics } from "../status/metrics.ts";
import {
  FIELD_MANAGER,
  startStatusWriter,
  type StatusWriter,
} from "../status/writer.ts";
import type { Closer } from "./running.ts";

/** Who writes statuses, of replicas of ours and of Linkerd's alike. */
const LEASE = "policy-controller-write";

export interface StatusOptions {
  readonly server: ApiServer;
  readonly controlNamespace: string;
  readonly standings: Standings;
  readonly judge: (standing: Standing) => Verdict;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly patchTimeoutMs: number;
  /** Unlike every other replica's. */
  readonly replica: string;
  readonly leaseTimes?: LeaseTimes;
}

/** Kinds of which what is said of other objects depends. */
const MATTERING: ReadonlySet<string> = new Set([
  "Service",
  "ServiceImport",
  "Server",
  "EgressNetwork",
  "ReferenceGrant",
  "HTTPRoute",
  "GRPCRoute",
  "TLSRoute",
  "TCPRoute",
  "HTTPLocalRateLimitPolicy",
]);

/** Whether a change may change what is said of other objects. */
export function mattersToOthers({ object }: ObjectEvent): boolean {
  return MATTERING.has(object.kind);
}

/** Starts to write statuses whenever no other replica does; the world must have been read once. */
export function startStatus(
  options: StatusOptions,
  closing: (closer: Closer) => void,
): StatusWriter {
  const { server, controlNamespace, log, leaseTimes } = options;
  let isLeader = (): boolean => false;
  const writer = startStatusWriter({
    ...options,
    isLeader: () => isLeader(),
    metrics: addStatusMetrics(options.metrics),
  });
  const lease = holdLease({
    server,
    namespace: controlNamespace,
    name: LEASE,
    labels: {
      "linkerd.io/control-plane-component": "destination",
      "linkerd.io/control-plane-ns": controlNamespace,
    },
    holder: options.replica,
    ownerPath:
      `/apis/apps/v1/namespaces/${controlNamespace}/deployments/linkerd-destination`,
    fieldManager: FIELD_MANAGER,
    log,
    onChange: (isHeld) => {
      if (isHeld) writer.sweep();
    },
    ...leaseTimes === undefined ? {} : { times: leaseTimes },
  });
  isLeader = lease.isHeld;
  // Whoever is next begins when the last patch of ours is done.
  closing(lease.release);
  closing(writer.close);
  return writer;
}
