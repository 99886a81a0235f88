import type { EgressNetwork } from "../../kube.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { mistakesOfNetworks } from "./networks.ts";

/** An EgressNetwork names networks that can be read, or leaves the field out for all outside of the cluster. */
export function mistakesOfEgressNetwork({ spec }: EgressNetwork): Mistake[] {
  const path = ["spec", "networks"];
  const { networks } = spec;
  if (networks === undefined) return [];
  if (networks.length > 0) return mistakesOfNetworks(networks, path);
  return [mistake(
    path,
    networks,
    "at least one network",
    "remove the field to mean all that is outside of the cluster",
  )];
}
