import { Problem } from "../../schemas/problem.ts";
import type { ProfileRouteRow } from "../../schemas/stats.ts";
import { harmless } from "../../schemas/harmless.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { type Column, formatTable } from "../table.ts";
import type { Question } from "./ask.ts";
import {
  latencies,
  NOTHING,
  perSecond,
  rate,
  right,
  success,
  successRate,
} from "./cells.ts";
import { printJson } from "./json.ts";
import { askLive } from "./live.ts";
import {
  needWords,
  readFormat,
  readTargetNamespace,
  readWindow,
} from "./options.ts";
import { readSelector } from "./objects.ts";
import {
  findProfiled,
  type NamespacedService,
  type Profile,
} from "./profiles.ts";
import { parseResource, parseResources, type Resource } from "./resource.ts";

/** What a command line asks. */
interface Asked {
  readonly resources: readonly Resource[];
  readonly namespace: string;
  /** The Service of `--to`; all of its namespace without a name. */
  readonly to: NamespacedService | null;
  readonly selector: string;
  readonly windowMs: number;
  readonly format: "table" | "json" | "wide";
}

/** A thing to ask about, and the routes that it may have. */
type Found = Resource & { readonly profiles: readonly Profile[] };

/** Prints requests by the routes of ServiceProfiles; with `--to`, what retries made of them, too. */
export async function runRoutes(given: Given, world: World): Promise<Outcome> {
  const asked = await readAsked(given, world);
  const found = await findAsked(given, world, asked);
  if (found.length === 0) {
    return {
      code: 1,
      stderr: "No Service Profiles found for selected resources\n",
    };
  }
  const questions = found.map((one) => questionOf(one, asked));
  return await askLive<ProfileRouteRow>(
    given,
    world,
    questions,
    (answers) => print(answers, found, asked),
  );
}

/** Reads words and flags; throws `config.invalid`. */
async function readAsked(given: Given, world: World): Promise<Asked> {
  const words = needWords(
    given,
    "requires at least 1 arg(s), only received 0",
    "workloads, such as deploy/web",
  );
  const windowMs = readWindow(given);
  const format = readFormat(given, ["table", "json", "wide"]);
  const to = readTo(given);
  if (format === "wide" && to === null) {
    throw new Problem(
      "config.invalid",
      "wide output is only available when --to is specified",
    );
  }
  const resources = parseResources(words);
  if (to !== null && resources.some(({ kind }) => kind === "service")) {
    throw new Problem(
      "config.invalid",
      "The service resource type is not supported with 'to' queries",
    );
  }
  const selector = readSelector(given);
  const namespace = await readTargetNamespace(given, world);
  return {
    resources,
    namespace,
    to: to === null ? null : {
      name: to.name,
      namespace: given.text("to-namespace") || namespace,
    },
    selector,
    windowMs,
    format,
  };
}

function readTo(given: Given): Resource | null {
  const to = given.text("to");
  if (!to) return null;
  const resource = parseResource(to);
  if (resource.kind === "service") return resource;
  throw new Problem(
    "config.invalid",
    `--to ${to}: routes lead to Services; expected svc/NAME`,
  );
}

/** What is asked about: objects of the cluster that have ServiceProfiles, or, without a cluster, what the words say. */
async function findAsked(
  given: Given,
  world: World,
  asked: Asked,
): Promise<readonly Found[]> {
  if (given.text("api-addr")) {
    return asked.resources.map((one) => ({ ...one, profiles: [] }));
  }
  const { openCluster } = await import("../cluster/open.ts");
  return await findProfiled(await openCluster(given, world), asked);
}

function questionOf(
  { kind, name }: Resource,
  { namespace, to, windowMs }: Asked,
): Question {
  return {
    page: "routes",
    query: {
      kind,
      name,
      namespace,
      window: String(windowMs),
      ...to === null ? {} : {
        to_kind: "service",
        to_name: to.name,
        to_namespace: to.namespace,
      },
    },
  };
}

/** A table for each of what was found, with its name when there are several. */
function print(
  answers: readonly (readonly ProfileRouteRow[])[],
  found: readonly Found[],
  { to, windowMs, format }: Asked,
): Outcome {
  const tables = answers.map((rows, at) => {
    const { kind = "", name, profiles = [] } = found[at] ?? {};
    return {
      title: name === undefined ? kind : `${kind}/${name}`,
      rows: withIdle(rows, profiles, to !== null),
    };
  });
  if (format === "json") {
    const values = Object.fromEntries(
      tables.map(({ title, rows }) => [
        title,
        rows.map((row) => jsonOf(row, windowMs)),
      ]),
    );
    return { code: 0, stdout: [`${printJson(values)}\n`] };
  }
  if (tables.every(({ rows }) => rows.length === 0)) {
    return {
      code: 0,
      stderr: "No traffic found on routes of ServiceProfiles in the window.\n",
    };
  }
  const columns = columnsOf(windowMs, format === "wide");
  return {
    code: 0,
    stdout: tables.map(({ title, rows }) => {
      const head = tables.length > 1 ? `==> ${harmless(title)} <==\n` : "";
      return `${head}${formatTable(columns, rows, "tabular")}\n`;
    }),
  };
}

/** Rows of all routes that there are, those without a request among them, by Service and route. */
function withIdle(
  rows: readonly ProfileRouteRow[],
  profiles: readonly Profile[],
  isOutbound: boolean,
): readonly ProfileRouteRow[] {
  const keyOf = (
    { service, route }: Pick<ProfileRouteRow, "service" | "route">,
  ) => `${service.split(":")[0]} ${route}`;
  const seen = new Set(rows.map(keyOf));
  const idle = profiles.flatMap(({ service, routes }) =>
    [...routes, DEFAULT_ROUTE].filter((route) =>
      !seen.has(keyOf({ service, route }))
    ).map((route): ProfileRouteRow => ({
      route,
      service,
      golden: { ...NONE, secured: 0, latencyMs: null },
      actual: isOutbound ? NONE : null,
    }))
  );
  return [...rows, ...idle].sort((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
}

/** What requests have that no route of the profile matches. */
const DEFAULT_ROUTE = "[DEFAULT]";

function columnsOf(
  windowMs: number,
  wide: boolean,
): readonly Column<ProfileRouteRow>[] {
  type Counts = Pick<ProfileRouteRow["golden"], "success" | "failure">;
  const pair = (
    prefix: string,
    of: (row: ProfileRouteRow) => Counts | null,
  ): Column<ProfileRouteRow>[] => [
    right(`${prefix}SUCCESS`, (row) => success(of(row) ?? NONE)),
    right(`${prefix}RPS`, (row) => {
      const { success, failure } = of(row) ?? NONE;
      const all = success + failure;
      return all === 0 ? NOTHING : perSecond(all, windowMs);
    }),
  ];
  return [
    { title: "ROUTE", text: ({ route }) => harmless(route) },
    {
      title: "SERVICE",
      text: ({ service }) => harmless(service.split(".")[0] ?? ""),
    },
    ...wide
      ? [
        ...pair("EFFECTIVE_", ({ golden }) => golden),
        ...pair("ACTUAL_", ({ actual }) => actual),
      ]
      : pair("", ({ golden }) => golden),
    ...latencies<ProfileRouteRow>(({ golden }) => golden.latencyMs),
  ];
}

const NONE = { success: 0, failure: 0 };

function jsonOf(
  { route, service, golden, actual }: ProfileRouteRow,
  windowMs: number,
): unknown {
  const counts = (of: typeof NONE, prefix: string) => ({
    [`${prefix}success`]: successRate(of),
    [`${prefix}rps`]: rate(of.success + of.failure, windowMs),
  });
  return {
    route,
    authority: service,
    ...actual === null ? counts(golden, "") : {
      ...counts(golden, "effective_"),
      ...counts(actual, "actual_"),
    },
    latency_ms_p50: Math.round(golden.latencyMs?.p50 ?? 0),
    latency_ms_p95: Math.round(golden.latencyMs?.p95 ?? 0),
    latency_ms_p99: Math.round(golden.latencyMs?.p99 ?? 0),
  };
}
