import { crds } from "../../install/crds.ts";
import type { Manifest } from "../../install/manifest.ts";
import { LABELS } from "../../schemas/names.ts";
import { ApiError, type Cluster } from "../cluster.ts";
import { type KubeObject, listAll } from "../cluster/list.ts";
import { openCluster } from "../cluster/open.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { fillIssuer } from "../install/credentials.ts";
import { fillExternalAnchors } from "../install/external-issuer.ts";
import { completeValues, renderControlPlane } from "../install/manifests.ts";
import { readingCluster, readStoredValues } from "../install/stored.ts";
import { readNamespace } from "../namespace.ts";
import { orRefusal } from "../refusal.ts";
import { outlives, readStubFormat, stub } from "../stub.ts";
import { RESOURCES } from "./resources.ts";

/** Prints what earlier versions or values left in the cluster and this install does not have; `now` in milliseconds. */
export async function runPrune(
  given: Given,
  world: World,
  now: number,
): Promise<Outcome> {
  const print = readStubFormat(given);
  const namespace = readNamespace(given, world);
  const cluster = await openCluster(given, world);
  return await orRefusal(async () => {
    const wanted = await renderStored(cluster, namespace, now);
    const there = await listLabelled(cluster);
    const left = there.filter((one) => !wanted.has(keyOf(one)));
    return { code: 0, stdout: left.map(print) };
  });
}

/** Keys of every object that the install has by its stored values. */
async function renderStored(
  cluster: Cluster,
  namespace: string,
  now: number,
): Promise<ReadonlySet<string>> {
  const read = readingCluster(cluster, namespace);
  const values = completeValues(
    await readStoredValues(
      read,
      "Please note this command is only intended for instances of Linkerd that were installed via the CLI",
    ),
  );
  const none = {
    crtPEM: undefined,
    keyPEM: undefined,
    anchorsPEM: undefined,
  };
  const complete = fillIssuer(
    await fillExternalAnchors(values, read, now),
    none,
    namespace,
    now,
  );
  return new Set(
    [
      ...renderControlPlane(complete, namespace, now),
      ...crds(values, namespace),
    ].map(keyOf),
  );
}

/** Whatever carries the control plane's label, but for what others may have taken over. */
async function listLabelled(cluster: Cluster): Promise<Manifest[]> {
  const labelSelector = LABELS.controlPlaneNamespace;
  const lists = await Promise.all(RESOURCES.map(async (resource) => {
    const objects = await listAll(cluster, resource.path, { labelSelector })
      .catch((thrown: unknown): KubeObject[] => {
        // A kind the cluster does not have, or that we may not see.
        if (thrown instanceof ApiError) return [];
        throw thrown;
      });
    return objects.filter((object) => !outlives(object) && !isOthers(object))
      .map((object) => stub(resource, object));
  }));
  return lists.flat();
}

/** Certificates that were ours and may be others' since, label and all: whoever keeps them renews them in place. */
function isOthers({ metadata: { name } }: KubeObject): boolean {
  return name === "linkerd-identity-issuer" ||
    name === "linkerd-identity-trust-roots" ||
    /^linkerd-.*-k8s-tls$/.test(name);
}

/** Group, kind, namespace and name: versions of a kind are all the same object. */
function keyOf({ apiVersion, kind, metadata }: Manifest): string {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : apiVersion.slice(0, slash);
  return [group, kind, metadata.namespace ?? "", metadata.name].join("|");
}
