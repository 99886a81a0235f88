import type { ApiServer } from "../kube/in-cluster.ts";
import { holdLease, type Lease, type LeaseTimes } from "../kube/lease.ts";
import type { Log } from "../log.ts";

export interface WriterLeaseOptions {
  readonly server: ApiServer;
  readonly controlNamespace: string;
  /** Unlike every other replica's. */
  readonly replica: string;
  readonly log: Log;
  readonly leaseTimes?: LeaseTimes | undefined;
}

/** Claims to be the one replica of `linkerd-destination` that does something: the Lease says what. */
export function holdWriterLease(
  { server, controlNamespace, replica, log, leaseTimes }: WriterLeaseOptions,
  name: string,
  fieldManager: string,
  onHeld: () => void,
): Lease {
  return holdLease({
    server,
    namespace: controlNamespace,
    name,
    labels: {
      "linkerd.io/control-plane-component": "destination",
      "linkerd.io/control-plane-ns": controlNamespace,
    },
    holder: replica,
    ownerPath:
      `/apis/apps/v1/namespaces/${controlNamespace}/deployments/linkerd-destination`,
    fieldManager,
    log,
    onChange: (isHeld) => {
      if (isHeld) onHeld();
    },
    ...leaseTimes === undefined ? {} : { times: leaseTimes },
  });
}
