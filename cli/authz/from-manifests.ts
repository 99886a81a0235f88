import { Problem } from "../../schemas/problem.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { KubeObject } from "../cluster/list.ts";
import type { World } from "../command.ts";
import { parsePart } from "../document.ts";
import { readSources, splitDocuments } from "../manifest.ts";
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

/** Reads a workload and the policies of its namespace from a file, a folder, a page or standard input. */
export async function readManifests(
  name: string,
  namespace: string,
  workload: Workload,
  world: World,
): Promise<Findings> {
  const sources = await readSources(name, world);
  const objects = sources.flatMap(splitDocuments).flatMap((part) =>
    objectsOf(parsePart(part).value)
  ).filter(({ metadata }) => (metadata.namespace ?? "default") === namespace);
  return sortOut(objects, workload, name, namespace);
}

/** The objects of a document: those of a list one by one. */
function objectsOf(value: unknown): KubeObject[] {
  if (!isMap(value)) return [];
  const { items, metadata } = value;
  if (Array.isArray(items)) return items.flatMap(objectsOf);
  return isMap(metadata) && typeof metadata["name"] === "string"
    ? [value as unknown as KubeObject]
    : [];
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
