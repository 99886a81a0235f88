import type { FieldPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";

/** What names an object of a kind. */
export interface Reference {
  readonly group?: string;
  readonly kind: string;
}

/** Kinds that references are to; groups and kinds are compared without case, as Linkerd does. */
export type RefKind =
  | "Server"
  | "HTTPRoute"
  | "GRPCRoute"
  | "Namespace"
  | "ServiceAccount"
  | "MeshTLSAuthentication"
  | "NetworkAuthentication";

const POLICY = "policy.linkerd.io";
const GATEWAY = "gateway.networking.k8s.io";
const CORE = ["", "core"];

const GROUPS: Readonly<Record<RefKind, readonly string[]>> = {
  Server: [POLICY],
  HTTPRoute: [POLICY, GATEWAY],
  GRPCRoute: [GATEWAY],
  Namespace: CORE,
  ServiceAccount: CORE,
  MeshTLSAuthentication: [POLICY],
  NetworkAuthentication: [POLICY],
};

/** The kind that a reference is to, of these; null when it is to none of them. */
export function kindOf<Kind extends RefKind>(
  { group = "", kind }: Reference,
  kinds: readonly Kind[],
): Kind | null {
  return kinds.find((known) =>
    known.toLowerCase() === kind.toLowerCase() &&
    GROUPS[known].includes(group.toLowerCase())
  ) ?? null;
}

/** A reference is to one of these kinds. */
export function mistakesOfKind(
  reference: Reference,
  kinds: readonly RefKind[],
  path: FieldPath,
): Mistake[] {
  if (kindOf(reference, kinds) !== null) return [];
  const known = kinds.map((kind) =>
    `${kind} (${GROUPS[kind].find((group) => group !== "") ?? ""})`
  );
  const { group = "", kind } = reference;
  const isKind = kinds.some((one) => one.toLowerCase() === kind.toLowerCase());
  return [mistake(
    [...path, isKind ? "group" : "kind"],
    isKind ? group : kind,
    `one of ${known.join(", ")}`,
    isKind ? "correct the group" : "refer to one of these kinds",
  )];
}
