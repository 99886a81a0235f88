import { crds, LINKERD_CRDS } from "../../install/crds.ts";
import type { Manifest } from "../../install/manifest.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Cluster } from "../cluster.ts";
import { openCluster } from "../cluster/open.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readCrds } from "../install/crd-state.ts";
import { readCredentialFiles } from "../install/credential-files.ts";
import { fillIssuer, type GivenCredentials } from "../install/credentials.ts";
import { fillExternalAnchors } from "../install/external-issuer.ts";
import { findGatewayOwner, settleGateway } from "../install/gateway.ts";
import { completeValues, renderControlPlane } from "../install/manifests.ts";
import { refuseDocker } from "../install/preflight.ts";
import { readFormat } from "../install/print.ts";
import {
  readingCluster,
  readingManifests,
  readKeptCertificates,
  readStoredValues,
} from "../install/stored.ts";
import { readNamespace } from "../namespace.ts";
import { Refusal, refused, saying } from "../refusal.ts";
import { glyph } from "../report.ts";
import { gatherValues } from "../values/gather.ts";
import { VALUE_FLAGS } from "./flags.ts";
import { refuseUntrusted } from "./trust.ts";

/** Renders an installed control plane again, as this version has it; `now` in milliseconds. */
export async function runUpgrade(
  given: Given,
  world: World,
  now: number,
): Promise<Outcome> {
  const print = readFormat(given);
  const namespace = readNamespace(given, world);
  const cluster = given.has("from-manifests")
    ? undefined
    : await openNamed(given, world);
  try {
    if (given.on("crds")) {
      const manifests = await upgradeCrds(given, world, namespace, cluster);
      return { code: 0, stdout: manifests.map(print) };
    }
    const manifests = await upgradeControlPlane(
      given,
      world,
      namespace,
      cluster,
      now,
    );
    const rotating = given.has("identity-trust-anchors-file");
    return {
      code: 0,
      stdout: manifests.map(print),
      stderr: rotating ? rotationWarning(world) : "",
    };
  } catch (thrown) {
    // The command line may be right and the cluster wrong: no usage is shown.
    return refused(thrown);
  }
}

async function openNamed(given: Given, world: World): Promise<Cluster> {
  try {
    return await openCluster(given, world);
  } catch (thrown) {
    throw new Problem(
      "config.invalid",
      `failed to create a kubernetes client: ${saying(thrown)}`,
      { cause: thrown },
    );
  }
}

async function upgradeCrds(
  given: Given,
  world: World,
  namespace: string,
  cluster: Cluster | undefined,
): Promise<Manifest[]> {
  try {
    const values = completeValues(
      await gatherValues(given, VALUE_FLAGS, world),
    );
    if (cluster === undefined) return crds(values, namespace);
    const owner = await findGatewayOwner(cluster);
    return crds(settleGateway(values, owner), namespace);
  } catch (thrown) {
    const mark = glyph("failure", world);
    throw new Refusal(
      `${mark} Could not render upgrade configuration: ${saying(thrown)}\n` +
        "For troubleshooting help, visit: https://linkerd.io/upgrade/#troubleshooting\n\n",
    );
  }
}

async function upgradeControlPlane(
  given: Given,
  world: World,
  namespace: string,
  cluster: Cluster | undefined,
  now: number,
): Promise<Manifest[]> {
  if (cluster !== undefined) await refuseOldCrds(cluster);
  const read = cluster === undefined
    ? await readingManifests(
      given.text("from-manifests") ?? "",
      namespace,
      world,
    )
    : readingCluster(cluster, namespace);
  const stored = await readStoredValues(
    read,
    "If Linkerd was installed with Helm, please use Helm to upgrade it.",
  );
  const values = completeValues(
    await gatherValues(given, VALUE_FLAGS, world, stored),
  );
  const files = await readCredentialFiles(given);
  const isExternal = values.identity.issuer.scheme === "kubernetes.io/tls";
  if (isExternal && hasIssuer(files)) {
    throw new Refusal(
      "cannot update issuer certificates if you are using external cert management solution\n",
    );
  }
  // Others renew their issuer and its anchors: what was stored may be old.
  const anchored = isExternal && files.anchorsPEM === undefined
    ? await fillExternalAnchors(
      { ...values, identityTrustAnchorsPEM: "" },
      read,
      now,
    )
    : values;
  const complete = fillIssuer(anchored, files, namespace, now);
  if (cluster !== undefined) {
    if (!given.on("force")) {
      await refuseUntrusted(cluster, complete, namespace, now);
    }
    await refuseDocker(cluster, complete);
  }
  const kept = await readKeptCertificates(read, namespace, now);
  return renderControlPlane(complete, namespace, now, kept);
}

async function refuseOldCrds(cluster: Cluster): Promise<void> {
  const { wanting } = await readCrds(cluster, LINKERD_CRDS);
  if (wanting.length === 0) return;
  throw new Refusal(
    `Linkerd CRDs must be installed first. Run linkerd upgrade with the --crds flag:\n${
      wanting.join("\n")
    }\n`,
  );
}

function hasIssuer({ crtPEM, keyPEM }: GivenCredentials): boolean {
  return crtPEM !== undefined || keyPEM !== undefined;
}

function rotationWarning(world: World): string {
  return `\n${
    glyph("warning", world)
  } Rotating the trust anchors will affect existing proxies\n` +
    "See https://github.com/linkerd-ts/linkerd-ts/blob/main/docs/rotation.md for more information\n\n";
}
