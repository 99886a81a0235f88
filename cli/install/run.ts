import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { checkValues } from "../../install/check-values.ts";
import { controlPlane } from "../../install/control-plane.ts";
import { crds } from "../../install/crds.ts";
import type { Manifest } from "../../install/manifest.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import { parseValues } from "../../schemas/values/check.ts";
import type { Values } from "../../schemas/values.ts";
import { VERSION } from "../../schemas/version.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";
import { renderJson, renderYaml } from "../render.ts";
import { gatherValues } from "../values/gather.ts";
import {
  fillIssuer,
  type GivenCredentials,
  webhookCertificates,
} from "./credentials.ts";
import { VALUE_FLAGS } from "./flags.ts";

/** Renders an install as its command line asks; `now` (milliseconds) is when certificates begin. */
export async function runInstall(
  given: Given,
  world: World,
  now: number,
): Promise<Outcome> {
  const print = readFormat(given);
  const namespace = readNamespace(given, world);
  if (!given.on("ignore-cluster")) return unasked(given);
  const values = await readValues(given, world);
  if (given.on("crds")) {
    return {
      code: 0,
      stdout: crds(values, namespace).map(print),
      stderr: "Rendering Linkerd CRDs...\n" +
        "Next, run `linkerd install | kubectl apply -f -` to install the control plane.\n\n",
    };
  }
  const credentials = await readCredentials(given);
  const complete = fillIssuer(values, credentials, namespace, now);
  const manifests = controlPlane({
    values: complete,
    namespace,
    webhooks: webhookCertificates(complete, namespace, now),
    trustRootSha256: createHash("sha256")
      .update(complete.identityTrustAnchorsPEM).digest("hex"),
    yaml: renderYaml,
  });
  return { code: 0, stdout: manifests.map(print) };
}

async function readValues(given: Given, world: World): Promise<Values> {
  const gathered = await gatherValues(given, VALUE_FLAGS, world);
  const values = {
    ...parseValues(gathered),
    cliVersion: `linkerd/cli ${VERSION}`,
  };
  checkValues(values);
  return values;
}

/** This version cannot ask a cluster; what Linkerd says when none answers holds for it. */
function unasked(given: Given): Outcome {
  const what = given.on("crds") ? "CRDs" : "control plane";
  return {
    code: 1,
    stderr:
      `Unable to install the Linkerd ${what}. Cannot connect to the Kubernetes cluster:\n\n` +
      "this version of the command cannot ask a cluster yet\n\n" +
      "You can use the --ignore-cluster flag if you just want to generate the installation config.\n",
  };
}

async function readCredentials(given: Given): Promise<GivenCredentials> {
  const read = async (flag: string) => {
    const path = given.text(flag);
    if (path === undefined) return undefined;
    try {
      return await readFile(path, "utf8");
    } catch (cause) {
      throw new Problem(
        "config.invalid",
        `Cannot read --${flag} "${path}": ${describe(cause)}`,
        { cause },
      );
    }
  };
  return {
    crtPEM: await read("identity-issuer-certificate-file"),
    keyPEM: await read("identity-issuer-key-file"),
    anchorsPEM: await read("identity-trust-anchors-file"),
  };
}

function readFormat(given: Given): (manifest: Manifest) => string {
  const format = given.text("output") ?? "yaml";
  switch (format) {
    case "yaml":
      return (manifest) => `---\n${renderYaml(manifest)}`;
    case "json":
      return (manifest) => `${renderJson(manifest)}\n`;
    default:
      throw new Problem("config.invalid", `unsupported format ${format}`);
  }
}
