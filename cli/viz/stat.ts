import { Problem } from "../../schemas/problem.ts";
import type { StatRow } from "../../schemas/stats.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import type { Question } from "./ask.ts";
import { rate, successRate } from "./cells.ts";
import { printJson } from "./json.ts";
import { askLive } from "./live.ts";
import { idlePolicies } from "./idle-policies.ts";
import { findObjects, type Objects, readSelector } from "./objects.ts";
import { needWords, readFormat, readScope, readWindow } from "./options.ts";
import { type Other, otherQuery, readOther } from "./other.ts";
import {
  ALL_KINDS,
  parseResources,
  POLICY_KINDS,
  type Resource,
} from "./resource.ts";
import { formatStats } from "./stat-table.ts";

/** What a command line asks. */
interface Asked {
  /** A kind of `all` for itself. */
  readonly resources: readonly Resource[];
  /** Undefined for all. */
  readonly namespace: string | undefined;
  readonly other: Other | null;
  readonly selector: string;
  readonly windowMs: number;
  readonly format: "table" | "json" | "wide";
}

/** Prints golden metrics of workloads and Services: a table for each kind. */
export async function runStat(given: Given, world: World): Promise<Outcome> {
  const asked = await readAsked(given, world);
  const { resources, selector } = asked;
  const questions = questionsOf(asked);
  return await askLive<StatRow>(given, world, questions, async (answers) => {
    const objects = await findShown(given, world, asked);
    const seen = answers.flat();
    const all = [...seen, ...idlePolicies(resources, seen, objects)];
    const rows = all.filter((row) =>
      isShown(row, asked, given) &&
      (selector === "" || objects?.get(row) !== undefined)
    );
    return print(rows, asked, objects);
  });
}

/** Reads words and flags; throws `config.invalid`. */
async function readAsked(given: Given, world: World): Promise<Asked> {
  const words = needWords(
    given,
    "requires at least 1 arg(s), only received 0",
    "resources, such as deploy or deploy/web",
  );
  const windowMs = readWindow(given);
  const format = readFormat(given, ["table", "json", "wide"]);
  const resources = parseResources(words);
  const other = readOther(given, resources);
  if (
    other === null && given.text("namespace") &&
    resources.every(({ kind }) => kind === "namespace")
  ) {
    throw new Problem(
      "config.invalid",
      "--namespace flag is incompatible with namespace resource type",
      { hint: "expected ns/NAME for one, or ns alone for all" },
    );
  }
  const namespace = await readScope(given, world);
  if (namespace === undefined && isNamed(resources)) {
    throw new Problem(
      "config.invalid",
      "stats for a resource cannot be retrieved by name across all namespaces",
    );
  }
  const selector = readSelector(given);
  return {
    resources: resources.flatMap(({ kind, name }) =>
      kind === "all"
        ? kindsOfAll(other).map((kind) => ({ kind, name }))
        : [{ kind, name }]
    ),
    namespace,
    other,
    selector,
    windowMs,
    format,
  };
}

function isNamed(resources: readonly Resource[]): boolean {
  return resources.some(({ name }) => name !== undefined);
}

/** Policies have requests that come in, and no other end. */
function kindsOfAll(other: Other | null): readonly string[] {
  return other === null
    ? ALL_KINDS
    : ALL_KINDS.filter((kind) => !POLICY_KINDS.has(kind));
}

function questionsOf(
  { resources, namespace, other, windowMs }: Asked,
): readonly Question[] {
  return resources.map(({ kind, name }) => ({
    page: "stat",
    query: {
      kind,
      name,
      namespace: kind === "namespace" ? undefined : namespace,
      window: String(windowMs),
      ...otherQuery(other, namespace),
    },
  }));
}

/**
 * The objects that a selector leaves; without one the pods, whose status is shown, and the policies, which are shown although
 * nothing came by them. Null where there is no cluster, or none of these is asked for.
 */
async function findShown(
  given: Given,
  world: World,
  { resources, namespace, selector }: Asked,
): Promise<Objects | null> {
  const kinds = resources.map(({ kind }) => kind).filter((kind) =>
    selector !== "" || kind === "pod" || POLICY_KINDS.has(kind)
  );
  if (kinds.length === 0 || given.text("api-addr")) return null;
  return await findObjects(given, world, { kinds, namespace, selector });
}

/** Workloads outside the mesh are left out, unless somebody asks for them. */
function isShown(
  { pods, golden, tcp }: StatRow,
  { other, resources }: Asked,
  given: Given,
): boolean {
  if (other !== null) return golden !== null || tcp !== null;
  return isNamed(resources) || given.on("unmeshed") || pods === null ||
    pods.meshed > 0;
}

function print(
  rows: readonly StatRow[],
  { format, windowMs, namespace }: Asked,
  objects: Objects | null,
): Outcome {
  if (format === "json") {
    const values = rows.map((row) => jsonOf(row, windowMs));
    return { code: 0, stdout: [`${printJson(values)}\n`] };
  }
  if (rows.length === 0) return { code: 0, stderr: "No traffic found.\n" };
  const table = formatStats(rows, {
    windowMs,
    isWide: format === "wide",
    allNamespaces: namespace === undefined,
    objects,
  });
  return { code: 0, stdout: [table] };
}

/** With Linkerd's names; null where nothing was asked. */
function jsonOf(row: StatRow, windowMs: number): unknown {
  const { kind, namespace, name, golden, tcp, pods, policy } = row;
  const quantile = (of: "p50" | "p95" | "p99") =>
    golden?.latencyMs === null || golden === null
      ? null
      : Math.round(golden.latencyMs[of]);
  return {
    namespace,
    kind,
    name,
    ...pods === null ? {} : { meshed: `${pods.meshed}/${pods.running}` },
    success: golden === null ? null : successRate(golden),
    rps: golden === null
      ? null
      : rate(golden.success + golden.failure, windowMs),
    latency_ms_p50: quantile("p50"),
    latency_ms_p95: quantile("p95"),
    latency_ms_p99: quantile("p99"),
    ...tcp === null ? {} : {
      tcp_open_connections: tcp.open,
      tcp_read_bytes_rate: rate(tcp.readBytes, windowMs),
      tcp_write_bytes_rate: rate(tcp.writtenBytes, windowMs),
    },
    ...policy === undefined
      ? {}
      : { unauthorized: rate(policy.denied, windowMs) },
  };
}
