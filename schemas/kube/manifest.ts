import type { KubeObject } from "../kube.ts";
import { checkObject } from "./check.ts";
import { FieldProblem } from "./field-problem.ts";
import { groupOf, parentKindOf } from "./parents.ts";
import { READERS, readRouteStub } from "./readers.ts";
import { isUnsupported } from "./unsupported.ts";
import { fieldProblem } from "./validate.ts";

/** What a manifest turned out to be. */
export type Reading =
  | { readonly kind: "object"; readonly object: KubeObject }
  | { readonly kind: "list"; readonly items: readonly unknown[] }
  /** A kind that the mesh has no use for. */
  | { readonly kind: "skipped" };

/**
 * Reads one manifest; fields we do not know are left out. Throws a `FieldProblem`: `manifest.invalid` when it cannot
 * mean anything, `manifest.unsupported` when it asks for what this version does not enforce.
 */
export function parseManifest(value: unknown): Reading {
  const { apiVersion, kind, items } = fieldsOf(value);
  if (typeof apiVersion !== "string" || typeof kind !== "string") {
    const field = typeof apiVersion !== "string" ? "apiVersion" : "kind";
    throw fieldProblem("a manifest", [field], undefined, "a string");
  }
  if (kind.endsWith("List") && Array.isArray(items)) {
    return { kind: "list", items };
  }
  const what = `${kind} ${nameOf(value)}`;
  const read = READERS[`${apiVersion}/${kind}`] ??
    READERS[`${groupOf(apiVersion)}/${kind}`];
  if (read === undefined) {
    if (!isUnsupported(apiVersion)) return { kind: "skipped" };
    throw new FieldProblem(
      "manifest.unsupported",
      ["kind"],
      `Cannot apply ${what}: this version does not enforce ${kind} (${apiVersion})`,
      { hint: "remove it from the folder; nothing else of its file is read" },
    );
  }
  if (ROUTES.has(kind) && !isOurs(value, apiVersion, what)) {
    return { kind: "skipped" };
  }
  const object = read(value, what);
  checkObject(object, what);
  return { kind: "object", object };
}

/** Kinds that are the mesh's or not by what they hang on. */
const ROUTES: ReadonlySet<string> = new Set([
  "HTTPRoute",
  "GRPCRoute",
  "TLSRoute",
  "TCPRoute",
]);

/** Whether a route hangs on something of the mesh; one for a gateway is not ours. */
function isOurs(value: unknown, apiVersion: string, what: string): boolean {
  const { parentRefs = [] } = readRouteStub(value, what).spec;
  return parentRefs.some((parent) => parentKindOf(parent, apiVersion) !== null);
}

/** The fields of a manifest; none of what is no map. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
    ? value as Readonly<Record<string, unknown>>
    : {};
}

function nameOf(value: unknown): string {
  const { name, namespace } = fieldsOf(fieldsOf(value)["metadata"]);
  const text = typeof name === "string" ? name : "without a name";
  return typeof namespace === "string" ? `${namespace}/${text}` : text;
}
