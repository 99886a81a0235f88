import type { Namespace, Pod } from "../../kube.ts";
import { ANNOTATIONS, INBOUND_POLICIES } from "../../names.ts";
import { type Mistake, mistake } from "../mistake.ts";

/** The annotation that says who may call by default is one of the words there are for it. */
export function mistakesOfInboundPolicy(
  { metadata }: Namespace | Pod,
): Mistake[] {
  const key = ANNOTATIONS.defaultInboundPolicy;
  const found = metadata.annotations?.[key];
  const known: readonly string[] = INBOUND_POLICIES;
  if (found === undefined || known.includes(found)) return [];
  return [mistake(
    ["metadata", "annotations", key],
    found,
    `one of ${known.join(", ")}`,
    "correct the word, or remove the annotation to have the mesh's default",
  )];
}
