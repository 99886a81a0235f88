import { crds } from "../../install/crds.ts";
import type { Manifest } from "../../install/manifest.ts";
import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";
import { mergeValues } from "../../schemas/values/merge.ts";
import type { Values } from "../../schemas/values.ts";
import type { Cluster } from "../cluster.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";
import { orRefusal } from "../refusal.ts";
import { gatherValues } from "../values/gather.ts";
import { readCredentialFiles } from "./credential-files.ts";
import { fillIssuer } from "./credentials.ts";
import { VALUE_FLAGS } from "./flags.ts";
import { completeValues, renderControlPlane } from "./manifests.ts";
import { readFormat } from "./print.ts";

/** Renders an install as its command line asks; `now` (milliseconds) is when certificates begin. */
export async function runInstall(
  given: Given,
  world: World,
  now: number,
): Promise<Outcome> {
  const print = readFormat(given);
  const namespace = readNamespace(given, world);
  const work = given.on("crds") ? printCrds : printControlPlane;
  return await orRefusal(async () => {
    const { manifests, stderr } = await work(given, world, namespace, now);
    return { code: 0, stdout: manifests.map(print), stderr };
  });
}

/** What is printed, and what is said beside it. */
interface Printed {
  readonly manifests: readonly Manifest[];
  readonly stderr: string;
}

async function printCrds(
  given: Given,
  world: World,
  namespace: string,
): Promise<Printed> {
  const values = completeValues(await gatherValues(given, VALUE_FLAGS, world));
  const settled = given.on("ignore-cluster")
    ? values
    : await settleOn(await reachEmpty(given, world, namespace), values);
  return {
    manifests: crds(settled, namespace),
    stderr: "Rendering Linkerd CRDs...\n" +
      "Next, run `linkerd install | kubectl apply -f -` to install the control plane.\n\n",
  };
}

async function reachEmpty(
  given: Given,
  world: World,
  namespace: string,
): Promise<Cluster> {
  const { reach, refuseInstalled } = await import("./preflight.ts");
  const cluster = await reach(given, world, "CRDs");
  await refuseInstalled(cluster, namespace);
  return cluster;
}

async function settleOn(cluster: Cluster, values: Values): Promise<Values> {
  const { findGatewayOwner, settleGateway } = await import("./gateway.ts");
  return settleGateway(values, await findGatewayOwner(cluster));
}

async function printControlPlane(
  given: Given,
  world: World,
  namespace: string,
  now: number,
): Promise<Printed> {
  const files = await readCredentialFiles(given);
  if (given.on("ignore-cluster")) {
    const values = completeValues(
      await gatherValues(given, VALUE_FLAGS, world),
    );
    const complete = fillIssuer(values, files, namespace, now);
    const manifests = renderControlPlane(complete, namespace, now);
    return { manifests, stderr: "" };
  }
  const preflight = await import("./preflight.ts");
  const cluster = await preflight.reach(given, world, "control plane");
  const hasCrds = await preflight.hasCrds(cluster);
  await preflight.refuseInstalled(cluster, namespace);
  const base = mergeValues(
    DEFAULT_VALUES,
    await preflight.findApiPorts(cluster),
  );
  const values = completeValues(
    await gatherValues(given, VALUE_FLAGS, world, base),
  );
  await preflight.refuseDocker(cluster, values);
  const { fillExternalAnchors } = await import("./external-issuer.ts");
  const { readingCluster } = await import("./stored.ts");
  const read = readingCluster(cluster, namespace);
  const anchored = files.anchorsPEM === undefined
    ? await fillExternalAnchors(values, read, now)
    : values;
  const complete = fillIssuer(anchored, files, namespace, now);
  const controlPlane = renderControlPlane(complete, namespace, now);
  if (hasCrds) return { manifests: controlPlane, stderr: "" };
  return {
    manifests: [
      ...crds(await settleOn(cluster, values), namespace),
      ...controlPlane,
    ],
    stderr:
      "Rendering Linkerd CRDs, which this cluster does not have, and the control plane...\n\n",
  };
}
