import { LABELS } from "../../schemas/names.ts";
import type { Values } from "../../schemas/values.ts";
import { checkIssuer } from "../certificates/check.ts";
import { readBundle } from "../certificates/read.ts";
import { together } from "../check/together.ts";
import type { Cluster } from "../cluster.ts";
import { getOrUndefined, type KubeObject, listAll } from "../cluster/list.ts";
import { isVouchedFor, readTrust } from "../identity/trust.ts";
import { Refusal } from "../refusal.ts";
import { type Pod, runningContainers } from "../workload/pods.ts";

const PROXY = "linkerd-proxy";
const ANCHORS = "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS";
const ROOTS = "linkerd-identity-trust-roots";

/**
 * Throws `Refusal` when a step of a rotation comes too early: meshed pods trust none of the anchors above the issuer, so
 * that the certificates it would give to others are strangers to them; or an anchor is to go under which pods have their
 * certificates still. Proxies say what they trust now; for those that do not, what they were started with counts.
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
  const isRotating = await changesAnchors(cluster, values, namespace);
  const suspects = pods.filter((pod) =>
    isRotating || !startedTrusting(pod, values, namespace, now)
  );
  const live = await together(
    suspects,
    (pod) => readTrust(cluster, pod),
  );
  const anchors = readBundle(values.identityTrustAnchorsPEM, "trust anchors");
  const issuer = readBundle(
    values.identity.issuer.tls.crtPEM,
    "issuer certificate",
  );
  const strangers: Pod[] = [];
  const late: Pod[] = [];
  for (const [at, pod] of suspects.entries()) {
    const trust = live[at];
    if (
      trust === undefined
        ? !startedTrusting(pod, values, namespace, now)
        : !isVouchedFor(issuer, trust.anchors)
    ) strangers.push(pod);
    else if (trust !== undefined && !isVouchedFor(trust.chain, anchors)) {
      late.push(pod);
    }
  }
  if (strangers.length > 0) {
    throw new Refusal(
      "You are attempting to use an issuer certificate which does not validate against the trust anchors of the following pods:\n" +
        linesOf(strangers) +
        "These pods do not have the current trust bundle and must be restarted.  Use the --force flag to proceed anyway (this will likely prevent those pods from sending or receiving traffic).\n",
    );
  }
  if (late.length > 0) {
    throw new Refusal(
      "You are attempting to remove the trust anchor above the certificates of the following pods:\n" +
        linesOf(late) +
        "Wait until the current issuer has renewed them, or restart the pods.  Use the --force flag to proceed anyway (this will likely prevent those pods from sending or receiving traffic).\n",
    );
  }
}

function linesOf(pods: readonly Pod[]): string {
  return pods.map(({ metadata: { namespace, name } }) =>
    `\t* ${namespace}/${name}\n`
  ).join("");
}

async function changesAnchors(
  cluster: Cluster,
  values: Values,
  namespace: string,
): Promise<boolean> {
  const roots = await getOrUndefined<
    KubeObject & { readonly data?: Readonly<Record<string, string>> }
  >(cluster, `/api/v1/namespaces/${namespace}/configmaps/${ROOTS}`);
  const inForce = roots?.data?.["ca-bundle.crt"];
  return inForce !== undefined &&
    inForce.trim() !== values.identityTrustAnchorsPEM.trim();
}

/** Whether a pod's proxy was started with anchors above the issuer; the control plane's own read theirs where identity does. */
function startedTrusting(
  pod: Pod,
  values: Values,
  namespace: string,
  now: number,
): boolean {
  if (pod.metadata.namespace === namespace) return true;
  const proxy = runningContainers(pod).find(({ name }) => name === PROXY);
  const anchorsPEM = proxy?.env?.find(({ name }) => name === ANCHORS)?.value;
  if (anchorsPEM === undefined) return true;
  try {
    checkIssuer({ ...values.identity.issuer.tls, anchorsPEM }, now);
    return true;
  } catch {
    return false;
  }
}
