import { Problem } from "../../schemas/problem.ts";
import { ApiError, type Cluster } from "../cluster.ts";
import { type KubeObject, listAll } from "../cluster/list.ts";
import type { Workload } from "../workload/kinds.ts";
import { findWorkload } from "../workload/pods.ts";
import {
  type AuthorizationPolicy,
  type Findings,
  type Policies,
  type Route,
  type Server,
  type ServerAuthorization,
  subjectsOf,
} from "./objects.ts";

const POLICY = "policy.linkerd.io";
const GATEWAY = "gateway.networking.k8s.io";

/** A custom resource, in the versions that it may be served in, newest first. */
interface Resource {
  readonly group: string;
  readonly versions: readonly string[];
  readonly plural: string;
}

const SERVERS: Resource = {
  group: POLICY,
  versions: ["v1beta3", "v1beta2", "v1beta1"],
  plural: "servers",
};
const SERVER_AUTHORIZATIONS: Resource = {
  group: POLICY,
  versions: ["v1beta1"],
  plural: "serverauthorizations",
};
const AUTHORIZATION_POLICIES: Resource = {
  group: POLICY,
  versions: ["v1alpha1"],
  plural: "authorizationpolicies",
};
/** Kinds of routes that policies may target. */
const ROUTES: readonly (Resource & { readonly kind: string })[] = [
  {
    group: POLICY,
    kind: "HTTPRoute",
    versions: ["v1beta3", "v1beta2", "v1beta1"],
    plural: "httproutes",
  },
  {
    group: GATEWAY,
    kind: "HTTPRoute",
    versions: ["v1", "v1beta1"],
    plural: "httproutes",
  },
  {
    group: GATEWAY,
    kind: "GRPCRoute",
    versions: ["v1", "v1alpha2"],
    plural: "grpcroutes",
  },
];

/** Reads a workload and the policies of its namespace. Throws as `Cluster.call` does. */
export async function readCluster(
  cluster: Cluster,
  namespace: string,
  workload: Workload,
): Promise<Findings> {
  const [{ workloads, pods }, policies] = await Promise.all([
    findWorkload(cluster, namespace, workload),
    readPolicies(cluster, namespace),
  ]);
  return { ...subjectsOf(workloads, pods), policies };
}

async function readPolicies(
  cluster: Cluster,
  namespace: string,
): Promise<Policies> {
  const list = <T extends KubeObject>(resource: Resource) =>
    listServed<T>(cluster, namespace, resource);
  const [servers, serverAuthorizations, authorizationPolicies, ...routes] =
    await Promise.all([
      list<Server>(SERVERS),
      list<ServerAuthorization>(SERVER_AUTHORIZATIONS),
      list<AuthorizationPolicy>(AUTHORIZATION_POLICIES),
      ...ROUTES.map((resource) => list<Route>(resource)),
    ]);
  if (servers === undefined) {
    throw new Problem(
      "config.invalid",
      "Cannot tell what is authorized: this cluster has no Servers, which come with Linkerd's custom resources",
      { hint: "linkerd install --crds | kubectl apply -f -" },
    );
  }
  return {
    servers,
    serverAuthorizations: serverAuthorizations ?? [],
    authorizationPolicies: authorizationPolicies ?? [],
    routes: new Map(
      ROUTES.map((
        { group, kind },
        at,
      ) => [`${group}/${kind}`, routes[at] ?? []]),
    ),
  };
}

/** A list in the newest version that is served; undefined when none is. */
async function listServed<T extends KubeObject>(
  cluster: Cluster,
  namespace: string,
  { group, versions, plural }: Resource,
): Promise<T[] | undefined> {
  for (const version of versions) {
    const path = `/apis/${group}/${version}/namespaces/${namespace}/${plural}`;
    try {
      return await listAll<T>(cluster, path);
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || thrown.status !== 404) throw thrown;
    }
  }
  return undefined;
}
