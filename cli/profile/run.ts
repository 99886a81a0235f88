import { parse } from "yaml";
import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readSources } from "../manifest.ts";
import { readNamespace } from "../namespace.ts";
import { orRefusal } from "../refusal.ts";
import { renderJson, renderYaml } from "../render.ts";
import { readOpenApi } from "./open-api.ts";
import { readProto } from "./proto.ts";
import type { Route } from "./routes.ts";
import { template } from "./template.ts";

/** RFC 1035 and 1123: what Services and namespaces may be called. */
const SERVICE = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const KINDS = ["template", "open-api", "proto"] as const;

/** Prints a ServiceProfile: one to edit, or one made from a description of an API. */
export function runProfile(given: Given, world: World): Promise<Outcome> {
  return orRefusal(async () => {
    const print = readFormat(given);
    const kind = readKind(given);
    const [service = ""] = given.words;
    check(
      SERVICE,
      service,
      `invalid service "${service}": [expected a DNS label that begins with a letter]`,
    );
    const namespace = await readOwnNamespace(given, world);
    const domain = await readDomain(given, world);
    const name = `${service}.${namespace}.svc.${domain}`;
    if (kind === "template") return print(template(name, namespace));
    const routes = await readRoutes(kind, given, world);
    return print(renderYaml({
      apiVersion: "linkerd.io/v1alpha2",
      kind: "ServiceProfile",
      metadata: { name, namespace },
      spec: { routes },
    }));
  });
}

function readKind(given: Given): typeof KINDS[number] {
  const named = KINDS.filter((kind) =>
    kind === "template" ? given.on(kind) : given.text(kind)
  );
  const [kind, more] = named;
  if (kind !== undefined && more === undefined) return kind;
  throw new Problem(
    "config.invalid",
    "You must specify exactly one of --template or --open-api or --proto",
  );
}

async function readOwnNamespace(given: Given, world: World): Promise<string> {
  const namespace = given.text("namespace") ??
    await contextNamespace(given, world);
  check(
    NAMESPACE,
    namespace,
    `invalid namespace "${namespace}": [expected a DNS label]`,
  );
  return namespace;
}

async function contextNamespace(given: Given, world: World): Promise<string> {
  if (given.on("ignore-cluster")) return "default";
  const { openCluster } = await import("../cluster/open.ts");
  return (await openCluster(given, world)).namespace;
}

async function readDomain(given: Given, world: World): Promise<string> {
  if (given.on("ignore-cluster")) return DEFAULT_VALUES.clusterDomain;
  const { readClusterValues } = await import("../inject/cluster-values.ts");
  const namespace = readNamespace(given, world);
  return (await readClusterValues(given, world, namespace)).clusterDomain;
}

async function readRoutes(
  kind: "open-api" | "proto",
  given: Given,
  world: World,
): Promise<Route[]> {
  const sources = await readSources(given.text(kind) ?? "", world);
  const [source, more] = sources;
  if (source === undefined || more !== undefined) {
    throw new Problem(
      "config.invalid",
      `Cannot read --${kind} "${given.text(kind)}": expected one file`,
    );
  }
  const read = kind === "proto" ? readProto : readOpenApi;
  return read(source.text, source.name);
}

function check(pattern: RegExp, text: string, message: string): void {
  if (!pattern.test(text)) throw new Problem("config.invalid", message);
}

function readFormat(given: Given): (yaml: string) => Outcome {
  const format = given.text("output") ?? "yaml";
  switch (format) {
    case "yaml":
      return (yaml) => ({ code: 0, stdout: [yaml] });
    case "json":
      return (yaml) => ({ code: 0, stdout: [`${renderJson(parse(yaml))}\n`] });
    default:
      throw new Problem("config.invalid", `unknown output format: ${format}`);
  }
}
