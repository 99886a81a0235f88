import { Problem } from "../../schemas/problem.ts";
import { ApiError, type Cluster } from "../cluster.ts";
import { type KubeObject, listAll } from "../cluster/list.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import { pluralOf } from "./resource.ts";

/** Where objects of kinds are listed, but for the namespace. */
const PREFIXES: Readonly<Record<string, string>> = {
  authorizationpolicy: "/apis/policy.linkerd.io/v1alpha1",
  cronjob: "/apis/batch/v1",
  daemonset: "/apis/apps/v1",
  deployment: "/apis/apps/v1",
  httproute: "/apis/policy.linkerd.io/v1beta3",
  job: "/apis/batch/v1",
  namespace: "/api/v1",
  pod: "/api/v1",
  replicaset: "/apis/apps/v1",
  replicationcontroller: "/api/v1",
  server: "/apis/policy.linkerd.io/v1beta3",
  serverauthorization: "/apis/policy.linkerd.io/v1beta1",
  service: "/api/v1",
  serviceprofile: "/apis/linkerd.io/v1alpha2",
  statefulset: "/apis/apps/v1",
};

/** Objects by kind, namespace and name. */
export interface Objects {
  readonly get: (row: Named) => KubeObject | undefined;
  readonly all: readonly (Named & { readonly object: KubeObject })[];
}

export interface Named {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The labels of `--selector`, or none. Throws `config.invalid` with `--api-addr`, behind which there is no cluster. */
export function readSelector(given: Given): string {
  const selector = given.text("selector") ?? "";
  if (selector === "" || !given.text("api-addr")) return selector;
  throw new Problem(
    "config.invalid",
    "--selector needs a cluster, and --api-addr leads to none",
  );
}

/**
 * Objects of these kinds with labels, of a namespace or of all (undefined), as the caller may see them: the metrics
 * component knows no labels. Without labels to look for, a kind that the caller may not see has none.
 */
export async function findObjects(
  given: Given,
  world: World,
  { kinds, namespace, selector }: {
    readonly kinds: readonly string[];
    readonly namespace: string | undefined;
    readonly selector: string;
  },
): Promise<Objects> {
  const { openCluster } = await import("../cluster/open.ts");
  const cluster = await openCluster(given, world);
  const lists = await Promise.all(
    [...new Set(kinds)].map(async (kind) => {
      const objects = await listKind(cluster, kind, namespace, selector)
        .catch((thrown: unknown): readonly KubeObject[] => {
          // Who may ask for metrics need not see pods.
          if (selector === "" && thrown instanceof ApiError) return [];
          throw thrown;
        });
      return objects.map((object) => {
        const { namespace, name } = object.metadata;
        return { kind, namespace: namespace ?? name, name, object };
      });
    }),
  );
  const all = lists.flat();
  const known = new Map(all.map((one) => [keyOf(one), one.object]));
  return { get: (row) => known.get(keyOf(row)), all };
}

/** Objects of a kind with labels, of a namespace or of all (undefined); none of a kind that has no metrics. */
export async function listKind(
  cluster: Cluster,
  kind: string,
  namespace: string | undefined,
  selector = "",
): Promise<readonly KubeObject[]> {
  const prefix = PREFIXES[kind];
  if (prefix === undefined) return [];
  const within = namespace === undefined || kind === "namespace"
    ? ""
    : `/namespaces/${namespace}`;
  return await listAll(
    cluster,
    `${prefix}${within}/${pluralOf(kind)}`,
    selector === "" ? {} : { labelSelector: selector },
  );
}

function keyOf({ kind, namespace, name }: Named): string {
  return `${kind}/${namespace}/${name}`;
}
