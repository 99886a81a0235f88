import { LABELS } from "../../schemas/names.ts";
import type { Values } from "../../schemas/values.ts";
import { checkIssuer } from "../certificates/check.ts";
import type { Cluster } from "../cluster.ts";
import { listAll } from "../cluster/list.ts";
import { Refusal } from "../refusal.ts";
import { type Pod, runningContainers } from "../workload/pods.ts";

const PROXY = "linkerd-proxy";
const ANCHORS = "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS";

/**
 * Throws `Refusal` when meshed pods trust none of the anchors above the issuer: the certificates it would give to others
 * are strangers to them.
 */
export async function refuseUntrusted(
  cluster: Cluster,
  values: Values,
  namespace: string,
  now: number,
): Promise<void> {
  if (values.identity.issuer.scheme !== "linkerd.io/tls") return;
  const pods = await listAll<Pod>(cluster, "/api/v1/pods", {
    labelSelector: `${LABELS.controlPlaneNamespace}=${namespace}`,
  });
  const trusting = new Map<string, boolean>();
  const strangers = pods.filter((pod) => {
    if (pod.metadata.namespace === namespace) return false;
    const anchorsPEM = anchorsOf(pod);
    if (anchorsPEM === undefined) return false;
    const known = trusting.get(anchorsPEM) ?? trusts(anchorsPEM, values, now);
    trusting.set(anchorsPEM, known);
    return !known;
  });
  if (strangers.length === 0) return;
  const lines = strangers.map(({ metadata: { namespace, name } }) =>
    `\t* ${namespace}/${name}\n`
  );
  throw new Refusal(
    "You are attempting to use an issuer certificate which does not validate against the trust anchors of the following pods:\n" +
      lines.join("") +
      "These pods do not have the current trust bundle and must be restarted.  Use the --force flag to proceed anyway (this will likely prevent those pods from sending or receiving traffic).\n",
  );
}

function trusts(anchorsPEM: string, values: Values, now: number): boolean {
  try {
    checkIssuer({ ...values.identity.issuer.tls, anchorsPEM }, now);
    return true;
  } catch {
    return false;
  }
}

/** The anchors that a pod's proxy was given as text. */
function anchorsOf(pod: Pod): string | undefined {
  const proxy = runningContainers(pod).find(({ name }) => name === PROXY);
  return proxy?.env?.find(({ name }) => name === ANCHORS)?.value;
}
