import { parse } from "yaml";
import { LABELS } from "../../schemas/names.ts";
import { Problem } from "../../schemas/problem.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { Cluster } from "../cluster.ts";
import { getOrUndefined, listAll } from "../cluster/list.ts";
import { openCluster } from "../cluster/open.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";
import { saying } from "../refusal.ts";
import { type Pod, runningContainers } from "../workload/pods.ts";

/** How long the cluster may take: whoever asks for versions wants an answer, of this command at least. */
const PATIENCE_MS = 5_000;
const UNAVAILABLE = "unavailable";
const PROXY = "linkerd-proxy";

/** Versions of what runs in the cluster, in lines. Throws `config.invalid` when the kubeconfig cannot be used. */
export async function readVersions(
  given: Given,
  world: World,
): Promise<string[]> {
  const namespace = readNamespace(given, world);
  const cluster = await open(given, world);
  const server = await serverVersion(cluster, namespace);
  return [
    given.on("short") ? server : `Server version: ${server}`,
    ...(given.on("proxy") ? await proxyLines(cluster, namespace, given) : []),
  ];
}

async function open(given: Given, world: World): Promise<Cluster> {
  try {
    return await openCluster(given, world);
  } catch (thrown) {
    throw new Problem(
      "config.invalid",
      `error configuring Kubernetes API client: ${saying(thrown)}`,
      { cause: thrown },
    );
  }
}

async function serverVersion(
  cluster: Cluster,
  namespace: string,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/linkerd-config`;
  const config = await getOrUndefined(cluster, path, patience())
    .catch(() => undefined);
  const data = config?.["data"];
  const text = isMap(data) ? data["values"] : undefined;
  if (typeof text !== "string") return UNAVAILABLE;
  const values: unknown = parse(text, { version: "1.1" });
  const version = isMap(values) ? values["linkerdVersion"] : undefined;
  return typeof version === "string" ? version : UNAVAILABLE;
}

/** A line for each version that proxies have, with how many have it. */
async function proxyLines(
  cluster: Cluster,
  controlPlane: string,
  given: Given,
): Promise<string[]> {
  const namespace = given.text("namespace");
  const path = namespace
    ? `/api/v1/namespaces/${namespace}/pods`
    : "/api/v1/pods";
  const labelSelector = `${LABELS.controlPlaneNamespace}=${controlPlane}`;
  const pods = await listAll<Pod>(cluster, path, { labelSelector }, patience())
    .catch(() => []);
  const counts = new Map<string, number>();
  for (const pod of pods) {
    const tag = proxyTag(pod);
    if (tag !== undefined) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  if (counts.size === 0) return [`Proxy versions: ${UNAVAILABLE}`];
  return [
    "Proxy versions:",
    ...[...counts].map(([tag, count]) => `\t${tag} (${count} pods)`),
  ];
}

/** The tag of a pod's proxy; empty when its image is named by digest. */
function proxyTag(pod: Pod): string | undefined {
  const proxy = runningContainers(pod).find(({ name }) => name === PROXY);
  if (proxy === undefined) return undefined;
  const { image = "" } = proxy;
  return image.includes("@") ? "" : image.slice(image.lastIndexOf(":") + 1);
}

function patience(): AbortSignal {
  return AbortSignal.timeout(PATIENCE_MS);
}
