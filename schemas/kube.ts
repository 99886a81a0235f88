import type { Static } from "typebox";
import { checkObject } from "./kube/check.ts";
import { EndpointSliceSchema } from "./kube/endpoint-slice.ts";
import { FieldProblem } from "./kube/field-problem.ts";
import { NamespaceSchema } from "./kube/namespace.ts";
import { PodSchema } from "./kube/pod.ts";
import { type SelectorSchema, ServerSchema } from "./kube/server.ts";
import { ServiceSchema } from "./kube/service.ts";
import { isUnsupported } from "./kube/unsupported.ts";
import { createValidator, fieldProblem } from "./kube/validate.ts";

/** Read-only all the way down: objects are shared between indexes and snapshots. */
type Immutable<T> = T extends object
  ? { readonly [Key in keyof T]: Immutable<T[Key]> }
  : T;

/** An object that is in a namespace, which reading it has made sure of. */
type Placed<T> = Immutable<T> & {
  readonly metadata: { readonly namespace: string };
};

export type Namespace = Immutable<Static<typeof NamespaceSchema>>;
export type Service = Placed<Static<typeof ServiceSchema>>;
export type EndpointSlice = Placed<Static<typeof EndpointSliceSchema>>;
export type Pod = Placed<Static<typeof PodSchema>>;
export type Server = Placed<Static<typeof ServerSchema>>;
export type Selector = Immutable<Static<typeof SelectorSchema>>;

/** The Kubernetes objects that the mesh reads, with the fields that it reads and no others. */
export type KubeObject = Namespace | Service | EndpointSlice | Pod | Server;

/** What a manifest turned out to be. */
export type Reading =
  | { readonly kind: "object"; readonly object: KubeObject }
  | { readonly kind: "list"; readonly items: readonly unknown[] }
  /** A kind that the mesh has no use for. */
  | { readonly kind: "skipped" };

type Read<T> = (value: unknown, what: string) => T;

/** As `kubectl apply`: an object that names no namespace is in `default`. */
function placed<T extends { metadata: { namespace?: string } }>(
  read: Read<T>,
): Read<T & { metadata: { namespace: string } }> {
  return (value, what) => {
    const object = read(value, what);
    const namespace = object.metadata.namespace ?? "default";
    return { ...object, metadata: { ...object.metadata, namespace } };
  };
}

const readServer = placed(createValidator(ServerSchema));

const READERS: Readonly<Record<string, Read<KubeObject>>> = {
  "v1/Namespace": createValidator(NamespaceSchema),
  "v1/Service": placed(createValidator(ServiceSchema)),
  "v1/Pod": placed(createValidator(PodSchema)),
  "discovery.k8s.io/v1/EndpointSlice": placed(
    createValidator(EndpointSliceSchema),
  ),
  "policy.linkerd.io/v1beta1/Server": readServer,
  "policy.linkerd.io/v1beta2/Server": readServer,
  "policy.linkerd.io/v1beta3/Server": readServer,
};

/**
 * Reads one manifest; fields we do not know are left out. Throws a `FieldProblem`: `manifest.invalid` when it cannot
 * mean anything, `manifest.unsupported` when it asks for what this version does not enforce.
 */
export function parseManifest(value: unknown): Reading {
  const { apiVersion, kind, items } =
    typeof value === "object" && value !== null
      ? value as Readonly<Record<string, unknown>>
      : {};
  if (typeof apiVersion !== "string" || typeof kind !== "string") {
    const field = typeof apiVersion !== "string" ? "apiVersion" : "kind";
    throw fieldProblem("a manifest", [field], undefined, "a string");
  }
  if (kind.endsWith("List") && Array.isArray(items)) {
    return { kind: "list", items };
  }
  const what = `${kind} ${nameOf(value)}`;
  const read = READERS[`${apiVersion}/${kind}`];
  if (read === undefined) {
    if (!isUnsupported(apiVersion, kind)) return { kind: "skipped" };
    throw new FieldProblem(
      "manifest.unsupported",
      ["kind"],
      `Cannot apply ${what}: this version does not enforce ${kind} (${apiVersion})`,
      { hint: "remove it from the folder; nothing else of its file is read" },
    );
  }
  const object = read(value, what);
  checkObject(object, what);
  return { kind: "object", object };
}

function nameOf(value: unknown): string {
  const { name, namespace } = (value as {
    metadata?: { name?: unknown; namespace?: unknown } | null;
  }).metadata ?? {};
  const text = typeof name === "string" ? name : "without a name";
  return typeof namespace === "string" ? `${namespace}/${text}` : text;
}
