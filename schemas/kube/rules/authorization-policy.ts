import type { AuthorizationPolicy } from "../../kube.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { kindOf, mistakesOfKind } from "./references.ts";

/** What an AuthorizationPolicy can be about. */
export const TARGETS = [
  "Server",
  "HTTPRoute",
  "GRPCRoute",
  "Namespace",
] as const;

/** What an AuthorizationPolicy can ask for: one way to prove who one is, and one to call from somewhere. */
export const AUTHENTICATIONS = [
  "MeshTLSAuthentication",
  "ServiceAccount",
  "NetworkAuthentication",
] as const;

/** An AuthorizationPolicy is about something of its own namespace and asks for each proof once. */
export function mistakesOfAuthorizationPolicy(
  { metadata, spec }: AuthorizationPolicy,
): Mistake[] {
  const { targetRef, requiredAuthenticationRefs: refs } = spec;
  const isElsewhere = kindOf(targetRef, ["Namespace"]) !== null &&
    targetRef.name !== metadata.namespace;
  const list = ["spec", "requiredAuthenticationRefs"];
  return [
    ...mistakesOfKind(targetRef, TARGETS, ["spec", "targetRef"]),
    ...!isElsewhere ? [] : [mistake(
      ["spec", "targetRef", "name"],
      targetRef.name,
      `${metadata.namespace}, the policy's own namespace`,
      "create the policy in the Namespace that it is about",
    )],
    ...refs.flatMap((reference, at) => {
      const path = [...list, at];
      const kind = kindOf(reference, AUTHENTICATIONS);
      if (kind === null) {
        return mistakesOfKind(reference, AUTHENTICATIONS, path);
      }
      const isIdentity = kind !== "NetworkAuthentication";
      const before = refs.slice(0, at).find((other) => {
        const known = kindOf(other, AUTHENTICATIONS);
        return known !== null &&
          (known !== "NetworkAuthentication") === isIdentity;
      });
      if (before === undefined) return [];
      return [mistake(
        [...path, "kind"],
        reference.kind,
        `nothing beside the ${before.kind} before it`,
        isIdentity
          ? "all of the list must hold: put the identities into one MeshTLSAuthentication, or write two policies"
          : "all of the list must hold: put the networks into one NetworkAuthentication, or write two policies",
      )];
    }),
  ];
}
