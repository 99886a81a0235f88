import { GATEWAY_ROUTES } from "../../schemas/crd/gateway.ts";
import { ANNOTATIONS } from "../../schemas/names.ts";
import type { Values } from "../../schemas/values.ts";
import type { Cluster } from "../cluster.ts";
import { Refusal } from "../refusal.ts";
import { readCrds, versionsOf } from "./crd-state.ts";

/** Where a cluster's Gateway API kinds came from; `external` when any of them is not ours. */
export type GatewayOwner = "absent" | "linkerd" | "external";

/** Looks who brought the Gateway API kinds that the mesh reads. Throws `Refusal` on some that are too old for us. */
export async function findGatewayOwner(
  cluster: Cluster,
): Promise<GatewayOwner> {
  const { found } = await readCrds(cluster, GATEWAY_ROUTES);
  let owner: GatewayOwner = "absent";
  for (const [name, crd] of found) {
    if (crd === undefined) continue;
    const ours = ANNOTATIONS.createdBy in (crd.metadata.annotations ?? {});
    if (ours) {
      if (owner === "absent") owner = "linkerd";
      continue;
    }
    owner = "external";
    if (!versionsOf(crd).includes("v1")) {
      throw new Refusal(
        `the ${name} CRD is missing the v1 version, please upgrade to Gateway API v1.1.1 or later`,
      );
    }
  }
  return owner;
}

/**
 * Values that say whether to print the Gateway API: what the user says, else yes unless others brought it
 * (docs/decisions/0085). Throws `Refusal` where that would break the cluster.
 */
export function settleGateway(values: Values, owner: GatewayOwner): Values {
  const asked = values.enableHttpRoutes ?? values.installGatewayAPI;
  const printing = asked ?? owner !== "external";
  if (printing && owner === "external") {
    throw new Refusal(
      "Linkerd cannot install the Gateway API CRDs because they are already installed by an external source. Please set `installGatewayAPI` to `false`.",
    );
  }
  if (!printing && owner === "linkerd") {
    throw new Refusal(
      "Linkerd is providing GW API, but your current install configuration will remove it",
    );
  }
  if (!printing && owner === "absent") {
    throw new Refusal(
      "The Gateway API CRDs must be installed prior to installing Linkerd. Run:\n\n" +
        "kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.1/standard-install.yaml\n\n" +
        "or see https://gateway-api.sigs.k8s.io/guides/#installing-gateway-api for more options.",
    );
  }
  return { ...values, installGatewayAPI: printing };
}
