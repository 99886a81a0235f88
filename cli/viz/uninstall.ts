import { openCluster } from "../cluster/open.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { RESOURCES as EVERY_KIND } from "../prune/resources.ts";
import { readStubFormat, type Resource, stub } from "../stub.ts";
import { RESOURCES as OUTSIDE } from "../uninstall/run.ts";
import { findLeftBehind } from "./left-behind.ts";

/** Policies of the extension may be in any namespace: `allow-scrapes` made them. */
const POLICIES = ["AuthorizationPolicy", "HTTPRoute", "Server"];

/** What to delete, in order; the namespace at the end takes along what is in it. */
const RESOURCES: readonly Resource[] = [
  ...EVERY_KIND.filter(({ kind }) => POLICIES.includes(kind)),
  ...OUTSIDE,
];

/** Prints what to delete to be rid of Linkerd's own viz extension, which nothing here needs. */
export async function runVizUninstall(
  given: Given,
  world: World,
): Promise<Outcome> {
  const print = readStubFormat(given);
  const cluster = await openCluster(given, world);
  const stdout: string[] = [];
  for (const resource of RESOURCES) {
    const left = await findLeftBehind(cluster, resource);
    stdout.push(...left.map((object) => print(stub(resource, object))));
  }
  if (stdout.length > 0) return { code: 0, stdout };
  return { code: 1, stderr: "No resources found to uninstall\n" };
}

/** The same, but for the namespace, and so with all that is in it: what `prune` of Linkerd prints for a version without any objects. */
export async function runVizPrune(
  given: Given,
  world: World,
): Promise<Outcome> {
  const print = readStubFormat(given);
  const cluster = await openCluster(given, world);
  const found = await Promise.all(EVERY_KIND.map(async (resource) => {
    const left = await findLeftBehind(cluster, resource);
    return left.map((object) => print(stub(resource, object)));
  }));
  return { code: 0, stdout: found.flat() };
}
