import { parseManifest } from "../../schemas/kube/manifest.ts";
import {
  type FieldPath,
  FieldProblem,
} from "../../schemas/kube/field-problem.ts";
import { Problem } from "../../schemas/problem.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { KubeObject } from "../cluster/list.ts";
import type { World } from "../command.ts";
import { lineOf, type Parsed, parsePart } from "../document.ts";
import { placeOf, readSources, splitDocuments } from "../manifest.ts";
import type { Workload } from "../workload/kinds.ts";
import { type Owned, type Pod, podsOf } from "../workload/pods.ts";
import {
  type AuthorizationPolicy,
  type Findings,
  type Route,
  type Server,
  type ServerAuthorization,
  subjectsOf,
} from "./objects.ts";

const POLICY = "policy.linkerd.io";
/** Groups whose objects are held against their rules: one that cannot mean anything would be an answer that is wrong. */
const JUDGED = [POLICY, "gateway.networking.k8s.io"];

/** Reads a workload and the policies of its namespace from a file, a folder, a page or standard input. */
export async function readManifests(
  name: string,
  namespace: string,
  workload: Workload,
  world: World,
): Promise<Findings> {
  const sources = await readSources(name, world);
  const objects = sources.flatMap(splitDocuments).flatMap((part) =>
    readObjects(parsePart(part))
  ).filter(({ metadata }) => (metadata.namespace ?? "default") === namespace);
  return sortOut(objects, workload, name, namespace);
}

/** The objects of a document, those of a list one by one. Throws `manifest.invalid` with file, document and line. */
function readObjects(parsed: Parsed): KubeObject[] {
  return objectsIn(parsed.value, []).map(({ object, path }) => {
    try {
      if (JUDGED.includes(groupOf(object))) parseManifest(object);
    } catch (thrown) {
      if (!(thrown instanceof FieldProblem)) throw thrown;
      // What the mesh does not enforce yet authorizes nobody.
      if (thrown.code === "manifest.unsupported") return object;
      const line = lineOf(parsed, thrown.within(path).path);
      throw new Problem(
        "manifest.invalid",
        `${placeOf(parsed.part, line)}: ${thrown.message}`,
        thrown.hint === undefined ? {} : { hint: thrown.hint },
      );
    }
    return object;
  });
}

interface Placed {
  readonly object: KubeObject;
  readonly path: FieldPath;
}

function objectsIn(value: unknown, path: FieldPath): Placed[] {
  if (!isMap(value)) return [];
  const { apiVersion, items, kind, metadata } = value;
  if (Array.isArray(items)) {
    return items.flatMap((item, at) => objectsIn(item, [...path, "items", at]));
  }
  const isObject = typeof apiVersion === "string" &&
    typeof kind === "string" && isMap(metadata) &&
    typeof metadata["name"] === "string";
  return isObject ? [{ object: value as unknown as KubeObject, path }] : [];
}

function sortOut(
  objects: readonly KubeObject[],
  workload: Workload,
  source: string,
  namespace: string,
): Findings {
  const all = <T extends KubeObject>(group: string, kind: string): T[] =>
    objects.filter((object) =>
      object.kind === kind && groupOf(object) === group &&
      // What is not whole is nothing yet; the control plane and the API server say so.
      isMap(object["spec"])
    ) as T[];
  const { kind, name } = workload;
  const groupOfKind = kind.prefix.split("/")[2] ?? "";
  const workloads = all(
    kind.prefix.startsWith("/apis/") ? groupOfKind : "",
    kind.kind,
  )
    .filter(({ metadata }) => name === undefined || metadata.name === name);
  if (workloads.length === 0 && name !== undefined) {
    throw new Problem(
      "config.invalid",
      `Cannot find ${kind.kind} "${name}" of namespace "${namespace}" in ${source}`,
      { hint: "another namespace is named with -n" },
    );
  }
  const between = kind.by === undefined
    ? []
    : all<Owned>(kind.by.prefix.split("/")[2] ?? "", kind.by.kind);
  const routes = objects.filter(({ kind }) => kind?.endsWith("Route") ?? false);
  return {
    ...subjectsOf(workloads, podsOf(workload, all<Pod>("", "Pod"), between)),
    policies: {
      servers: all<Server>(POLICY, "Server"),
      serverAuthorizations: all<ServerAuthorization>(
        POLICY,
        "ServerAuthorization",
      ),
      authorizationPolicies: all<AuthorizationPolicy>(
        POLICY,
        "AuthorizationPolicy",
      ),
      routes: Map.groupBy(
        routes as Route[],
        (route) => `${groupOf(route)}/${route.kind}`,
      ),
    },
  };
}

/** The API group of an object; that of the core is empty. */
function groupOf({ apiVersion = "" }: KubeObject): string {
  return apiVersion.includes("/") ? apiVersion.split("/")[0] ?? "" : "";
}
