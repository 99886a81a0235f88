import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readSources } from "../manifest.ts";
import { readNamespace } from "../namespace.ts";
import { orRefusal } from "../refusal.ts";
import {
  checkNamespace,
  profileDocument,
  readProfileFormat,
  readService,
} from "./document.ts";
import { readOpenApi } from "./open-api.ts";
import { readProto } from "./proto.ts";
import type { Route } from "./routes.ts";
import { template } from "./template.ts";

const KINDS = ["template", "open-api", "proto"] as const;

/** Prints a ServiceProfile: one to edit, or one made from a description of an API. */
export function runProfile(given: Given, world: World): Promise<Outcome> {
  return orRefusal(async () => {
    const print = readProfileFormat(given);
    const kind = readKind(given);
    const service = readService(given);
    const namespace = await readOwnNamespace(given, world);
    const domain = await readDomain(given, world);
    const name = `${service}.${namespace}.svc.${domain}`;
    if (kind === "template") return print(template(name, namespace));
    const routes = await readRoutes(kind, given, world);
    return print(profileDocument(name, namespace, routes));
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
  return checkNamespace(
    given.text("namespace") ?? await contextNamespace(given, world),
  );
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
