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
import {
  ALL_KINDS,
  parseResource,
  parseResources,
  POLICY_KINDS,
  type Resource,
} from "./resource.ts";
import { formatStats } from "./stat-table.ts";

/** Prints golden metrics of workloads and Services: a table for each kind. */
export async function runStat(given: Given, world: World): Promise<Outcome> {
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
  const named = resources.some(({ name }) => name !== undefined);
  if (namespace === undefined && named) {
    throw new Problem(
      "config.invalid",
      "stats for a resource cannot be retrieved by name across all namespaces",
    );
  }
  const asked = resources.flatMap(({ kind, name }) =>
    (kind === "all" ? kindsOfAll(other) : [kind]).map((kind) => ({
      kind,
      name,
    }))
  );
  const questions = asked.map(({ kind, name }): Question => ({
    page: "stat",
    query: {
      kind,
      name,
      namespace: kind === "namespace" ? undefined : namespace,
      window: String(windowMs),
      ...otherQuery(other, namespace),
    },
  }));
  const selector = readSelector(given);
  const kinds = asked.map(({ kind }) => kind);
  return await askLive<StatRow>(given, world, questions, async (answers) => {
    const shown = { kinds, namespace, selector };
    const objects = await findShown(given, world, shown);
    const seen = answers.flat();
    const all = [...seen, ...idlePolicies(asked, seen, objects)];
    const rows = all.filter((row) =>
      isShown(row, given, other !== null, named) &&
      (selector === "" || objects?.get(row) !== undefined)
    );
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
  });
}

/** Policies have requests that come in, and no other end. */
function kindsOfAll(other: Other | null): readonly string[] {
  return other === null
    ? ALL_KINDS
    : ALL_KINDS.filter((kind) => !POLICY_KINDS.has(kind));
}

/**
 * The objects that a selector leaves; without one the pods, whose status is shown, and the policies, which are shown although
 * nothing came by them. Null where there is no cluster, or none of these is asked for.
 */
async function findShown(
  given: Given,
  world: World,
  asked: Parameters<typeof findObjects>[2],
): Promise<Objects | null> {
  const { selector } = asked;
  const kinds = asked.kinds.filter((kind) =>
    selector !== "" || kind === "pod" || POLICY_KINDS.has(kind)
  );
  if (kinds.length === 0 || given.text("api-addr")) return null;
  return await findObjects(given, world, { ...asked, kinds });
}

interface Other {
  readonly direction: "to" | "from";
  readonly resource: Resource;
  readonly namespace: string | undefined;
}

/** The other end of `--to` or `--from`; throws `config.invalid`. */
function readOther(
  given: Given,
  resources: readonly Resource[],
): Other | null {
  for (const suffix of ["", "-namespace"]) {
    if (given.text(`to${suffix}`) && given.text(`from${suffix}`)) {
      throw new Problem(
        "config.invalid",
        `--to${suffix} and --from${suffix} flags are mutually exclusive`,
      );
    }
  }
  for (const direction of ["to", "from"] as const) {
    const word = given.text(direction) || undefined;
    const namespace = given.text(`${direction}-namespace`) || undefined;
    if (
      namespace !== undefined &&
      resources.some(({ kind }) => kind === "namespace")
    ) {
      throw new Problem(
        "config.invalid",
        `--${direction}-namespace flag is incompatible with namespace resource type`,
      );
    }
    if (word === undefined && namespace === undefined) continue;
    const resource = word === undefined
      ? { kind: "namespace", name: namespace }
      : parseResource(word);
    if (resource.kind === "all") {
      throw new Problem(
        "config.invalid",
        "resource type 'all' is not supported as a filter",
      );
    }
    return { direction, resource, namespace };
  }
  return null;
}

function otherQuery(
  other: Other | null,
  namespace: string | undefined,
): Question["query"] {
  if (other === null) return {};
  const { direction, resource } = other;
  return {
    [`${direction}_kind`]: resource.kind,
    [`${direction}_name`]: resource.name,
    [`${direction}_namespace`]: resource.kind === "namespace"
      ? undefined
      : other.namespace ?? namespace,
  };
}

/** Workloads outside the mesh are left out, unless somebody asks for them. */
function isShown(
  { pods, golden, tcp }: StatRow,
  given: Given,
  hasOther: boolean,
  named: boolean,
): boolean {
  if (hasOther) return golden !== null || tcp !== null;
  return named || given.on("unmeshed") || pods === null || pods.meshed > 0;
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
