import { LABELS } from "../../schemas/names.ts";
import { ApiError, type Cluster } from "../cluster.ts";
import { type KubeObject, listAll } from "../cluster/list.ts";
import { openCluster } from "../cluster/open.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";
import { outlives, readStubFormat, type Resource, stub } from "../stub.ts";
import { openKinds } from "./open.ts";

/** What an install leaves outside of its namespace, in the order to delete it; the namespace takes the rest along. */
export const RESOURCES: readonly Resource[] = [
  ...["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"].map((
    kind,
  ) => ({
    path: `/apis/rbac.authorization.k8s.io/v1/${kind.toLowerCase()}s`,
    kind,
  })),
  {
    path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    kind: "CustomResourceDefinition",
  },
  { path: "/apis/apiregistration.k8s.io/v1/apiservices", kind: "APIService" },
  ...["Mutating", "Validating"].map((what) => ({
    path:
      `/apis/admissionregistration.k8s.io/v1/${what.toLowerCase()}webhookconfigurations`,
    kind: `${what}WebhookConfiguration`,
  })),
  { path: "/api/v1/namespaces", kind: "Namespace" },
];

const EXTENSION = "linkerd.io/extension";

/** Prints what to delete to be rid of the control plane. */
export async function runUninstall(
  given: Given,
  world: World,
): Promise<Outcome> {
  const print = readStubFormat(given);
  const namespace = readNamespace(given, world);
  const cluster = await openCluster(given, world);
  if (!given.on("force")) {
    const inTheWay = await findUsers(cluster, namespace);
    if (inTheWay !== "") return { code: 1, stderr: inTheWay };
  }
  const stdout: string[] = [];
  for (const resource of RESOURCES) {
    const labelled = await listLabelled(cluster, resource.path);
    const ours = labelled.filter((object) => !outlives(object));
    if (resource.kind === "CustomResourceDefinition") {
      await openKinds(cluster, ours);
    }
    stdout.push(...ours.map((object) => print(stub(resource, object))));
  }
  if (stdout.length > 0) return { code: 0, stdout };
  return { code: 0, stderr: "No resources found to uninstall\n" };
}

/** Who still needs the control plane, in words; empty when nobody does. */
async function findUsers(cluster: Cluster, namespace: string): Promise<string> {
  const extensions = await listAll(cluster, "/api/v1/namespaces", {
    labelSelector: EXTENSION,
  });
  const spared = new Set([
    namespace,
    ...extensions.map(({ metadata }) => metadata.name),
  ]);
  const pods = await listAll(cluster, "/api/v1/pods", {
    labelSelector: LABELS.controlPlaneNamespace,
  });
  const meshed = pods.filter(({ metadata }) =>
    !spared.has(metadata.namespace ?? "")
  );
  const names = extensions.map(({ metadata }) => metadata.labels?.[EXTENSION]);
  return list(
    "Please uninstall the following extensions before uninstalling the control-plane:",
    names.map(String),
  ) + list(
    "Please uninject the following pods before uninstalling the control-plane:",
    meshed.map(({ metadata }) => metadata.name),
  );
}

function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return "";
  return `${title}\n${items.map((item) => `\t* ${item}\n`).join("")}`;
}

async function listLabelled(
  cluster: Cluster,
  path: string,
): Promise<KubeObject[]> {
  try {
    const labelSelector = LABELS.controlPlaneNamespace;
    return await listAll(cluster, path, { labelSelector });
  } catch (thrown) {
    // A cluster without this kind, such as APIService, has none of it.
    if (thrown instanceof ApiError && thrown.status === 404) return [];
    throw thrown;
  }
}
