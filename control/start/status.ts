import type { Standing, Verdict } from "../conditions.ts";
import type { Standings } from "../kube/standings.ts";
import type { Metrics } from "../metrics.ts";
import type { ObjectEvent } from "../source.ts";
import { addStatusMetrics } from "../status/metrics.ts";
import {
  FIELD_MANAGER,
  startStatusWriter,
  type StatusWriter,
} from "../status/writer.ts";
import { holdWriterLease, type WriterLeaseOptions } from "./lease.ts";
import type { Closer } from "./running.ts";

/** Who writes statuses, of replicas of ours and of Linkerd's alike. */
const LEASE = "policy-controller-write";

export interface StatusOptions extends WriterLeaseOptions {
  readonly standings: Standings;
  readonly judge: (standing: Standing) => Verdict;
  readonly metrics: Metrics;
  readonly patchTimeoutMs: number;
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
  let isLeader = (): boolean => false;
  const writer = startStatusWriter({
    ...options,
    isLeader: () => isLeader(),
    metrics: addStatusMetrics(options.metrics),
  });
  const lease = holdWriterLease(options, LEASE, FIELD_MANAGER, writer.sweep);
  isLeader = lease.isHeld;
  // Whoever is next begins when the last patch of ours is done.
  closing(lease.release);
  closing(writer.close);
  return writer;
}
