import type {
  MeshTlsAuthentication,
  NetworkAuthentication,
} from "../../kube.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { mistakesOfIdentities } from "./identity.ts";
import { mistakesOfNetworks } from "./networks.ts";
import { kindOf, mistakesOfKind } from "./references.ts";

/** A MeshTLSAuthentication lists identities, or objects that stand for some; not both and not none. */
export function mistakesOfMeshTls({ spec }: MeshTlsAuthentication): Mistake[] {
  const { identities, identityRefs } = spec;
  if (identities !== undefined && identityRefs !== undefined) {
    return [mistake(
      ["spec", "identityRefs"],
      identityRefs,
      "nothing beside spec.identities",
      "write two MeshTLSAuthentications",
    )];
  }
  const field = identityRefs === undefined ? "identities" : "identityRefs";
  const given = identities ?? identityRefs ?? [];
  if (given.length === 0) {
    return [mistake(
      ["spec", field],
      identities ?? identityRefs,
      "at least one entry",
      'list identities, or "*" for any of the mesh',
    )];
  }
  return [
    ...mistakesOfIdentities(identities ?? [], ["spec", "identities"]),
    ...(identityRefs ?? []).flatMap((reference, at) => {
      const path = ["spec", "identityRefs", at];
      const kinds = ["ServiceAccount", "Namespace"] as const;
      const isPlaced = kindOf(reference, ["Namespace"]) !== null &&
        reference.namespace !== undefined;
      return [
        ...mistakesOfKind(reference, kinds, path),
        ...!isPlaced ? [] : [mistake(
          [...path, "namespace"],
          reference.namespace,
          "no namespace: a Namespace is in none",
          "remove the field; the Namespace is named by name",
        )],
      ];
    }),
  ];
}

/** A NetworkAuthentication lists at least one network. */
export function mistakesOfNetworkAuthentication(
  { spec: { networks } }: NetworkAuthentication,
): Mistake[] {
  const path = ["spec", "networks"];
  if (networks.length > 0) return mistakesOfNetworks(networks, path);
  return [mistake(
    path,
    networks,
    "at least one network",
    "list networks, such as cidr: 10.0.0.0/8",
  )];
}
