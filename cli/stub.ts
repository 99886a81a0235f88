import type { Manifest } from "../install/manifest.ts";
import { Problem } from "../schemas/problem.ts";
import type { KubeObject } from "./cluster/list.ts";
import type { Given } from "./flags.ts";
import { renderJson, renderYaml } from "./render.ts";

/** One kind of the API, and where its objects of all namespaces are listed. */
export interface Resource {
  /** Such as `/apis/apps/v1/deployments`. */
  readonly path: string;
  readonly kind: string;
}

/** An object's name and kind, which is all that `kubectl delete` needs. */
export function stub(
  { path, kind }: Resource,
  { metadata }: KubeObject,
): Manifest {
  const { name, namespace } = metadata;
  return {
    apiVersion: versionOf(path),
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  };
}

/** `v1`, or `apps/v1`. */
function versionOf(path: string): string {
  const [, root, ...rest] = path.split("/");
  return root === "api" ? rest[0] ?? "" : rest.slice(0, 2).join("/");
}

/** How stubs are printed: a document each with its end, or a line of JSON. Throws `config.invalid`. */
export function readStubFormat(given: Given): (stub: Manifest) => string {
  const format = given.text("output") ?? "yaml";
  switch (format) {
    case "yaml":
      return (stub) => `${renderYaml(stub)}---\n`;
    case "json":
      return (stub) => `${renderJson(stub)}\n`;
    default:
      throw new Problem("config.invalid", `unsupported format ${format}`);
  }
}

/**
 * Whether an object outlives the mesh: the Gateway API's kinds are the cluster's, whoever brought them, and so are the
 * routes of other programs in them (docs/decisions/0085).
 */
export function outlives({ metadata: { name } }: KubeObject): boolean {
  return name.endsWith(".gateway.networking.k8s.io");
}
