import { harmless } from "../../schemas/harmless.ts";
import { Problem } from "../../schemas/problem.ts";
import type { StatRow } from "../../schemas/stats.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { type Column, formatTable } from "../table.ts";
import { askMetrics, type Question } from "./ask.ts";
import { milliseconds, NOTHING, rate, success, successRate } from "./cells.ts";
import { readFormat, readTargetNamespace, readWindow } from "./options.ts";
import {
  ALL_KINDS,
  parseResource,
  parseResources,
  type Resource,
  shortOf,
} from "./resource.ts";

/** Prints golden metrics of workloads and Services: a table for each kind. */
export async function runStat(given: Given, world: World): Promise<Outcome> {
  if (given.words.length === 0) {
    throw new Problem(
      "config.invalid",
      "requires at least 1 arg(s), only received 0",
      { hint: "expected resources, such as deploy or deploy/web" },
    );
  }
  const windowMs = readWindow(given);
  const format = readFormat(given, ["table", "json", "wide"]);
  const resources = parseResources(given.words);
  const other = readOther(given, resources);
  const namespace = await readTargetNamespace(given, world);
  const named = resources.some(({ name }) => name !== undefined);
  if (namespace === undefined && named) {
    throw new Problem(
      "config.invalid",
      "stats for a resource cannot be retrieved by name across all namespaces",
    );
  }
  const questions = resources.flatMap(({ kind, name }) =>
    (kind === "all" ? ALL_KINDS : [kind]).map((each): Question => ({
      page: "stat",
      query: {
        kind: each,
        name,
        namespace: each === "namespace" ? undefined : namespace,
        window: String(windowMs),
        ...otherQuery(other, namespace),
      },
    }))
  );
  return await askMetrics<StatRow>(given, world, questions, (answers) => {
    const rows = answers.flat().filter((row) =>
      isShown(row, given, other !== null, named)
    );
    if (format === "json") {
      const values = rows.map((row) => jsonOf(row, windowMs));
      return { code: 0, stdout: [`${JSON.stringify(values, null, 2)}\n`] };
    }
    if (rows.length === 0) return { code: 0, stderr: "No traffic found.\n" };
    return {
      code: 0,
      stdout: [
        tables(rows, windowMs, format === "wide", namespace === undefined),
      ],
    };
  });
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
    if (given.has(`to${suffix}`) && given.has(`from${suffix}`)) {
      throw new Problem(
        "config.invalid",
        `--to${suffix} and --from${suffix} flags are mutually exclusive`,
      );
    }
  }
  for (const direction of ["to", "from"] as const) {
    const word = given.text(direction);
    const namespace = given.text(`${direction}-namespace`);
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

function tables(
  rows: readonly StatRow[],
  windowMs: number,
  wide: boolean,
  allNamespaces: boolean,
): string {
  const kinds = [...new Set(rows.map(({ kind }) => kind))].sort();
  return kinds.map((kind) =>
    formatTable(
      columnsOf(windowMs, wide, allNamespaces, kinds.length > 1),
      rows.filter((row) => row.kind === kind).sort(byName),
    )
  ).join("\n");
}

function byName(a: StatRow, b: StatRow): number {
  const [first, second] = [a, b].map(({ namespace, name }) =>
    `${namespace}/${name}`
  );
  return (first ?? "") < (second ?? "") ? -1 : 1;
}

function columnsOf(
  windowMs: number,
  wide: boolean,
  allNamespaces: boolean,
  withKind: boolean,
): readonly Column<StatRow>[] {
  const right = "right" as const;
  const seen = (
    title: string,
    text: (row: StatRow & { golden: NonNullable<StatRow["golden"]> }) => string,
  ): Column<StatRow> => ({
    title,
    text: (row) =>
      row.golden === null ? NOTHING : text({ ...row, golden: row.golden }),
    align: right,
  });
  const bytes = (
    title: string,
    of: "readBytes" | "writtenBytes",
  ): Column<StatRow> => ({
    title,
    text: ({ tcp }) =>
      tcp === null ? NOTHING : `${rate(tcp[of], windowMs).toFixed(1)}B/s`,
    align: right,
  });
  return [
    ...allNamespaces
      ? [{
        title: "NAMESPACE",
        text: ({ namespace }: StatRow) => harmless(namespace),
      }]
      : [],
    {
      title: "NAME",
      text: ({ kind, name }) =>
        harmless(withKind ? `${shortOf(kind)}/${name}` : name),
    },
    {
      title: "MESHED",
      text: ({ pods }) =>
        pods === null ? NOTHING : `${pods.meshed}/${pods.running}`,
      align: right,
    },
    seen("SUCCESS", ({ golden }) => success(golden)),
    seen(
      "RPS",
      ({ golden }) =>
        `${rate(golden.success + golden.failure, windowMs).toFixed(1)}rps`,
    ),
    seen("LATENCY_P50", ({ golden }) => milliseconds(golden.latencyMs, "p50")),
    seen("LATENCY_P95", ({ golden }) => milliseconds(golden.latencyMs, "p95")),
    seen("LATENCY_P99", ({ golden }) => milliseconds(golden.latencyMs, "p99")),
    {
      title: "TCP_CONN",
      text: ({ tcp }) => tcp === null ? NOTHING : String(tcp.open),
      align: right,
    },
    ...wide
      ? [
        bytes("READ_BYTES/SEC", "readBytes"),
        bytes("WRITE_BYTES/SEC", "writtenBytes"),
      ]
      : [],
  ];
}

/** With Linkerd's names; null where nothing was asked. */
function jsonOf(row: StatRow, windowMs: number): unknown {
  const { kind, namespace, name, golden, tcp, pods } = row;
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
  };
}
