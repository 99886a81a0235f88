import { LINKERD_CRDS } from "../../install/crds.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { Overrides, Values } from "../../schemas/values.ts";
import { ApiError, type Cluster } from "../cluster.ts";
import { getOrUndefined, listAll } from "../cluster/list.ts";
import { openCluster } from "../cluster/open.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import { Refusal, saying } from "../refusal.ts";
import { at } from "../values/flag-readers.ts";
import { readCrds } from "./crd-state.ts";

/** The cluster to install into, which has answered. Throws `Refusal` when it does not. */
export async function reach(
  given: Given,
  world: World,
  what: "control plane" | "CRDs",
): Promise<Cluster> {
  try {
    const cluster = await openCluster(given, world);
    await cluster.call({ path: "/version" });
    return cluster;
  } catch (thrown) {
    throw new Refusal(
      `Unable to install the Linkerd ${what}. Cannot connect to the Kubernetes cluster:\n\n${
        saying(thrown)
      }\n\nYou can use the --ignore-cluster flag if you just want to generate the installation config.\n`,
    );
  }
}

/** Whether the cluster has our kinds of objects; some of them are as good as an accident. Throws `Refusal` then. */
export async function hasCrds(cluster: Cluster): Promise<boolean> {
  const { found, wanting } = await readCrds(cluster, LINKERD_CRDS);
  if (wanting.length === 0) return true;
  if ([...found.values()].every((crd) => crd === undefined)) return false;
  throw new Refusal(
    "Linkerd CRDs must be installed first. Run linkerd install with the --crds flag.\n",
  );
}

/** Throws `Refusal` where there is a control plane already. */
export async function refuseInstalled(
  cluster: Cluster,
  namespace: string,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/linkerd-config`;
  if (await getOrUndefined(cluster, path) === undefined) return;
  throw new Refusal(
    `Can't install the Linkerd control plane in the '${namespace}' namespace. Reason: ConfigMap/linkerd-config already exists.\n` +
      "Run the command `linkerd upgrade`, if you are looking to upgrade Linkerd.\n",
  );
}

/** Docker's runtime gives an unprivileged init container no NET_ADMIN. Throws `Refusal` where a node has it. */
export async function refuseDocker(
  cluster: Cluster,
  { proxyInit }: Values,
): Promise<void> {
  if (proxyInit.runAsRoot) return;
  const nodes = await listAll(cluster, "/api/v1/nodes").catch(
    (thrown: unknown) => {
      // Who may not see nodes cannot be told about them.
      if (thrown instanceof ApiError && thrown.status === 403) return [];
      throw thrown;
    },
  );
  const hasDocker = nodes.some(({ status }) => {
    const info = isMap(status) ? status["nodeInfo"] : undefined;
    const runtime = isMap(info) ? info["containerRuntimeVersion"] : undefined;
    return String(runtime).startsWith("docker:");
  });
  if (!hasDocker) return;
  throw new Refusal(
    "there are nodes using the docker container runtime and proxy-init container must run as root user.\n" +
      "try installing linkerd via --set proxyInit.runAsRoot=true\n",
  );
}

/** Ports of the API server, which proxies leave alone; nothing when the cluster does not say. */
export async function findApiPorts(cluster: Cluster): Promise<Overrides> {
  const service = await getOrUndefined(
    cluster,
    "/api/v1/namespaces/default/services/kubernetes",
  ).catch(() => undefined);
  const spec = service?.["spec"];
  const ports = isMap(spec) && Array.isArray(spec["ports"])
    ? spec["ports"].filter(isMap)
    : [];
  const numbers = ports.flatMap(({ port, targetPort }) =>
    [port, targetPort].filter(Number.isInteger)
  );
  return numbers.length === 0
    ? {}
    : at("proxyInit.kubeAPIServerPorts", numbers.join(","));
}
