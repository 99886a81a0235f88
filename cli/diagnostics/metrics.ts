import { parseDuration } from "../../schemas/duration.ts";
import { Problem } from "../../schemas/problem.ts";
import { openCluster } from "../cluster/open.ts";
import { type KubeObject, listAll } from "../cluster/list.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";
import { parseWorkload } from "../workload/kinds.ts";
import { findWorkload, type Pod } from "../workload/pods.ts";
import { obfuscate } from "./obfuscate.ts";
import { adminPorts, fetchMetrics, type Page, pageBlock } from "./scrape.ts";

/** How long fetching may take. */
const WAIT = "30s";

/** Prints what every container of the control plane counts, its proxies included. */
export async function runControllerMetrics(
  given: Given,
  world: World,
): Promise<Outcome> {
  const waitMs = parseDuration(given.text("wait") ?? WAIT);
  const namespace = readNamespace(given, world);
  const cluster = await openCluster(given, world);
  const pods = await listAll<Pod & KubeObject>(
    cluster,
    `/api/v1/namespaces/${namespace}/pods`,
  );
  const pages = await fetchMetrics(cluster, adminPorts(pods, "-admin"), waitMs);
  return {
    code: 0,
    stdout: pages.map((page, at) =>
      pageBlock(page, at, pages.length, { container: true })
    ),
    ...nothing(pages, `No running pods found in namespace "${namespace}".\n`),
  };
}

/** Prints what the proxies of a workload count. */
export async function runProxyMetrics(
  given: Given,
  world: World,
): Promise<Outcome> {
  if (given.words.length === 0) {
    throw new Problem("config.invalid", "no resource name provided", {
      hint: "expected TYPE/NAME, such as deploy/web",
    });
  }
  const workload = parseWorkload(given.words);
  const cluster = await openCluster(given, world);
  const namespace = given.text("namespace") ?? cluster.namespace;
  const { pods } = await findWorkload(cluster, namespace, workload);
  const ports = adminPorts(pods, "linkerd-admin");
  const pages = await fetchMetrics(cluster, ports, parseDuration(WAIT));
  const shown = given.on("obfuscate") ? pages.map(hide) : pages;
  return {
    code: 0,
    stdout: shown.map((page, at) =>
      pageBlock(page, at, pages.length, { container: false })
    ),
    ...nothing(
      pages,
      `No running pods with a proxy found for ${
        given.words.join("/")
      } in namespace "${namespace}".\n`,
    ),
  };
}

function nothing(pages: readonly Page[], note: string): { stderr?: string } {
  return pages.length === 0 ? { stderr: note } : {};
}

function hide(page: Page): Page {
  return page.text === undefined
    ? page
    : { ...page, text: obfuscate(page.text) };
}
