import type { MeshCluster } from "./cluster.ts";
import { DEPLOYMENT } from "./template.ts";

/** A reference to what made an object. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Makes a namespace whose pods ask for proxies, with a Deployment and its ReplicaSet; returns the latter. */
export async function makeOwners(
  { call }: MeshCluster,
  namespace: string,
): Promise<OwnerReference> {
  await call("POST", "/api/v1/namespaces", {
    metadata: {
      name: namespace,
      annotations: { "linkerd.io/inject": "enabled" },
    },
  });
  await call("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, {
    metadata: { name: "default" },
  }).catch(() => "the controller was faster");
  const { selector, template } = DEPLOYMENT.spec;
  const own = async (
    kind: string,
    plural: string,
    ownerReferences: readonly OwnerReference[],
  ): Promise<OwnerReference> => {
    const { metadata } = await call(
      "POST",
      `/apis/apps/v1/namespaces/${namespace}/${plural}`,
      {
        metadata: { name: "web", ownerReferences },
        spec: { replicas: 0, selector, template },
      },
    );
    return { apiVersion: "apps/v1", kind, name: "web", uid: metadata.uid };
  };
  const deployment = await own("Deployment", "deployments", []);
  return await own("ReplicaSet", "replicasets", [deployment]);
}

/** A pod of the ReplicaSet, as its controller asks for it. */
export function podOf(owner: OwnerReference): object {
  const { metadata, spec } = DEPLOYMENT.spec.template;
  return {
    metadata: { ...metadata, generateName: "web-", ownerReferences: [owner] },
    spec,
  };
}
