import {
  type ExternalWriter,
  startExternalWriter,
} from "../external/writer.ts";
import { MANAGER } from "../external/slices.ts";
import { holdWriterLease, type WriterLeaseOptions } from "./lease.ts";
import type { Closer } from "./running.ts";

/** Who writes slices, of replicas of ours and of Linkerd's alike. */
const LEASE = "linkerd-destination-endpoint-write";

/** Starts to write EndpointSlices for ExternalWorkloads whenever no other replica does. */
export function startExternal(
  options: WriterLeaseOptions,
  closing: (closer: Closer) => void,
): ExternalWriter {
  let isLeader = (): boolean => false;
  const writer = startExternalWriter({
    server: options.server,
    isLeader: () => isLeader(),
    log: options.log,
  });
  const lease = holdWriterLease(options, LEASE, MANAGER, writer.sweep);
  isLeader = lease.isHeld;
  // Whoever is next begins when the last call of ours is done.
  closing(lease.release);
  closing(writer.close);
  return writer;
}
