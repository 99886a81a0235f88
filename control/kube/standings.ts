import type { KubeObject, ParentRef } from "../../schemas/kube.ts";
import { groupOf } from "../../schemas/kube/parents.ts";
import type { Content, Standing } from "../conditions.ts";
import { nameOf, type Resource } from "./resources.ts";

/** Objects whose status is written, as they were last seen. */
export interface Standings {
  readonly get: (path: string) => Standing | undefined;
  readonly paths: () => Iterable<string>;
  /** Replaces all of one resource. */
  readonly list: (resource: Resource, all: readonly Standing[]) => void;
  readonly put: (standing: Standing) => void;
  readonly remove: (path: string) => void;
}

/** Creates an empty set; `onChange` hears of each object that is new or other than before. */
export function createStandings(
  onChange: (path: string) => void,
): Standings {
  const known = new Map<string, Standing>();
  const put = (standing: Standing): void => {
    const { path, resourceVersion } = standing;
    const before = known.get(path)?.resourceVersion;
    known.set(path, standing);
    if (before !== resourceVersion) onChange(path);
  };
  return {
    get: (path) => known.get(path),
    paths: () => known.keys(),
    list: (resource, all) => {
      const paths = new Set(all.map(({ path }) => path));
      const pattern = patternOf(resource);
      for (const path of known.keys()) {
        if (pattern.test(path) && !paths.has(path)) known.delete(path);
      }
      all.forEach(put);
    },
    put,
    remove: (path) => void known.delete(path),
  };
}

/** Kinds whose status says what the mesh makes of them. */
const WITH_STATUS: ReadonlySet<string> = new Set([
  "httproutes.policy.linkerd.io",
  "httproutes.gateway.networking.k8s.io",
  "grpcroutes.gateway.networking.k8s.io",
  "tlsroutes.gateway.networking.k8s.io",
  "tcproutes.gateway.networking.k8s.io",
  "httplocalratelimitpolicies.policy.linkerd.io",
  "egressnetworks.policy.linkerd.io",
]);

export function hasStatus(resource: Resource): boolean {
  return WITH_STATUS.has(nameOf(resource));
}

/** What is kept of an object as it was served. */
export function standingOf(
  value: unknown,
  resource: Resource,
  content: Content,
): Standing {
  const { apiVersion, metadata, status } = value as Served;
  const { namespace, name, resourceVersion = "", generation = 0 } = metadata;
  const { plural } = resource;
  return {
    path: `/apis/${apiVersion}/namespaces/${namespace}/${plural}/${name}`,
    apiVersion,
    resourceVersion,
    generation,
    status,
    content,
  };
}

interface Served {
  /** In which it was served, of those that a resource may have. */
  readonly apiVersion: string;
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
  };
  readonly status?: unknown;
}

/** What an object says, from reading it: what it turned out to be, or why it cannot be used. */
export function contentOf(
  value: unknown,
  object: KubeObject | null,
  mistake: string | undefined,
): Content {
  if (mistake !== undefined) {
    return { kind: "broken", mistake, parentRefs: parentRefsOf(value) };
  }
  return object === null ? { kind: "foreign" } : { kind: "object", object };
}

/** The parents of a route that cannot be read; of these only what has a name. */
function parentRefsOf(value: unknown): readonly ParentRef[] {
  const { parentRefs } = (value as {
    readonly spec?: { readonly parentRefs?: unknown } | null;
  }).spec ?? {};
  if (!Array.isArray(parentRefs)) return [];
  return parentRefs.filter((one) => typeof one?.name === "string");
}

function patternOf({ apiVersion, plural }: Resource): RegExp {
  const group = groupOf(apiVersion);
  return new RegExp(`^/apis/${group}/[^/]+/namespaces/[^/]+/${plural}/`);
}
