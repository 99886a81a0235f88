import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";
import { Problem } from "../../schemas/problem.ts";
import type { TapEvent } from "../../schemas/tap.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";
import {
  profileDocument,
  readProfileFormat,
  readService,
} from "../profile/document.ts";
import { quote, type Route } from "../profile/routes.ts";
import { needWords, readDuration, readTargetNamespace } from "./options.ts";
import { openTap } from "./tap/stream.ts";
import { readTap, type Tap } from "./tap/target.ts";

/** Linkerd's. */
const DURATION = "5s";
const ROUTE_LIMIT = 20;
/** The longest path that makes a route: longer ones are hardly told by a person. */
const PATH_MAX_CHARS = 1_024;
/** RFC 9110, 9.1, and RFC 3986, 3.3: what methods and paths are written with. */
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const PATH = /^\/[\x21-\x7e]+$/;

/** Prints a ServiceProfile with a route for each path that a workload is asked for while this command looks. */
export async function runVizProfile(
  given: Given,
  world: World,
): Promise<Outcome> {
  const resource = given.text("tap");
  if (!resource) {
    throw new Problem("config.invalid", "The --tap flag must be specified", {
      hint: "expected what to look at, such as --tap deploy/web",
    });
  }
  const print = readProfileFormat(given);
  needWords(
    given,
    "accepts 1 arg(s), received 0",
    "the Service that the routes are of, such as web",
  );
  const service = readService(given);
  const durationMs = readDuration(given, "tap-duration", DURATION);
  const limit = readLimit(given.text("tap-route-limit"));
  const tap = await readTap([resource], given, world, "without headers");
  const namespace = await readTargetNamespace(given, world);
  const domain = await readDomain(given, world);
  const routes = await watchRoutes(tap, durationMs, limit, given, world);
  const name = `${service}.${namespace}.svc.${domain}`;
  const outcome = print(profileDocument(name, namespace, routes));
  return routes.length > 0 ? outcome : {
    ...outcome,
    stderr: `${resource} was asked for no path but / within ${
      durationMs / 1_000
    } s: look longer with --tap-duration\n`,
  };
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return ROUTE_LIMIT;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new Problem(
    "config.invalid",
    `--tap-route-limit "${text}": expected a number from 1 to 9999`,
  );
}

async function readDomain(given: Given, world: World): Promise<string> {
  if (given.text("api-addr")) return DEFAULT_VALUES.clusterDomain;
  const { readClusterValues } = await import("../inject/cluster-values.ts");
  const namespace = readNamespace(given, world);
  return (await readClusterValues(given, world, namespace)).clusterDomain;
}

/** The routes that are seen, by name, until the time is over or there are enough. */
async function watchRoutes(
  tap: Tap,
  durationMs: number,
  limit: number,
  given: Given,
  world: World,
): Promise<readonly Route[]> {
  const stop = new AbortController();
  const events = await openTap(tap, given, world, stop.signal);
  const timer = setTimeout(() => stop.abort(), durationMs);
  const routes = new Map<string, Route>();
  try {
    for await (const event of events) {
      const route = routeOf(event);
      if (route !== null) routes.set(route.name, route);
      if (routes.size >= limit) break;
    }
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
  return [...routes.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** What a request's path tells of routes; null of what tells nothing, or is no path. */
function routeOf(
  { proxyDirection, requestInitEvent }: TapEvent,
): Route | null {
  if (proxyDirection !== "INBOUND" || !requestInitEvent) return null;
  const { method } = requestInitEvent;
  const [path = ""] = requestInitEvent.path.split("?");
  const isRoute = METHOD.test(method) && PATH.test(path) &&
    path.length <= PATH_MAX_CHARS;
  if (!isRoute) return null;
  return {
    name: `${method} ${path}`,
    condition: { method, pathRegex: quote(path) },
  };
}
