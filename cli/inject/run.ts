import { createHash } from "node:crypto";
import { injectObject, nameOf } from "../../install/inject/object.ts";
import { uninject } from "../../install/inject/uninject.ts";
import { Problem } from "../../schemas/problem.ts";
import type { InjectionValues } from "../../schemas/values/proxy.ts";
import { INJECTION_DEFAULTS } from "../../schemas/values/proxy-defaults.ts";
import { VERSION } from "../../schemas/version.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";
import { orRefusal } from "../refusal.ts";
import { readSources } from "../manifest.ts";
import {
  glyph,
  injectReport,
  type Summary,
  uninjectReport,
} from "../report.ts";
import { readOverrides } from "./overrides.ts";
import { type Format, type Result, transformSources } from "./transform.ts";

/** Injects all objects of an input: annotations by default, the proxy itself with `--manual`. */
export async function runInject(
  file: string,
  given: Given,
  world: World,
): Promise<Outcome> {
  return await orRefusal(() => injecting(file, given, world));
}

async function injecting(
  file: string,
  given: Given,
  world: World,
): Promise<Outcome> {
  if (given.has("disable-identity")) {
    throw new Problem(
      "config.invalid",
      "--disable-identity is no longer supported; identity is always required",
    );
  }
  const format = readFormat(given);
  const namespace = readNamespace(given, world);
  const values = await readValues(given, world, namespace);
  const registry = given.text("registry") ??
    (world.env["LINKERD_DOCKER_REGISTRY"] || undefined);
  const anchors = values.identityTrustAnchorsPEM;
  const options = {
    values,
    namespace,
    createdBy: `linkerd/cli ${VERSION}`,
    trustRootSha256: createHash("sha256").update(anchors).digest("hex"),
    manual: given.on("manual"),
    ingress: given.on("ingress"),
    overrides: readOverrides(given, values, registry),
  };
  const sources = await readSources(file, world);
  const result = transformSources(
    sources,
    format,
    "inject",
    (object) => injectObject(object, options),
  );
  if (result.errors.length > 0) return failed(result);
  const manner = { verbose: given.on("verbose"), colour: world.colour };
  const warning = options.manual && anchors === ""
    ? `\n${
      glyph("warning", manner)
    } no trust anchors are known without a cluster: ` +
      "set LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS in the output, or the proxies will not start\n"
    : "";
  return {
    code: 0,
    stdout: result.documents,
    stderr: warning + injectReport(result.findings, manner),
  };
}

/** Takes injections out of all objects of an input; each file has a report of its own. */
export async function runUninject(
  file: string,
  given: Given,
  world: World,
): Promise<Outcome> {
  const format = readFormat(given);
  const sources = await readSources(file, world);
  const results: Result<Summary>[] = sources.map((source) =>
    transformSources([source], format, "uninject", (object) => {
      const { object: bare, removed } = uninject(object, "everything");
      const done = removed ? "uninjected" : "skipped";
      const kind = String(object["kind"]).toLowerCase();
      return { object: bare, finding: { kind, name: nameOf(object), done } };
    })
  );
  const errors = results.flatMap((result) => result.errors);
  if (errors.length > 0) return failed({ errors });
  return {
    code: 0,
    stdout: results.flatMap(({ documents }) => documents),
    stderr: results.map(({ findings }) => uninjectReport(findings)).join(""),
  };
}

function failed({ errors }: Pick<Result<unknown>, "errors">): Outcome {
  const stderr = `Error transforming resources:\n${errors.join("\n")}\n`;
  return { code: 1, stderr };
}

function readFormat(given: Given): Format {
  const format = given.text("output") ?? "yaml";
  if (format === "yaml" || format === "json") return format;
  throw new Problem("config.invalid", `unsupported format ${format}`);
}

/** The configuration that proxies get: the cluster's own, unless it is to be ignored. */
async function readValues(
  given: Given,
  world: World,
  namespace: string,
): Promise<InjectionValues> {
  if (given.on("ignore-cluster")) return INJECTION_DEFAULTS;
  const { readClusterValues } = await import("./cluster-values.ts");
  return await readClusterValues(given, world, namespace);
}
