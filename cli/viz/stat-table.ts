import { harmless } from "../../schemas/harmless.ts";
import type { StatRow } from "../../schemas/stats.ts";
import { statusOf } from "../check/pods.ts";
import type { Pod } from "../check/objects.ts";
import { type Column, formatTable } from "../table.ts";
import {
  latencies,
  NOTHING,
  perSecond,
  rate,
  right as rightOf,
  success,
} from "./cells.ts";
import type { Objects } from "./objects.ts";
import { POLICY_KINDS, shortOf } from "./resource.ts";

export interface StatTableOptions {
  readonly windowMs: number;
  readonly isWide: boolean;
  readonly allNamespaces: boolean;
  /** What is known of the rows' objects; pods have a status. */
  readonly objects: Objects | null;
}

/** Requests and authorizations have no connections. */
const WITHOUT_TCP = ["authorizationpolicy", "httproute", "serverauthorization"];

/** What of policies can deny. */
const DENYING = ["httproute", "server"];

const left = (
  title: string,
  text: (row: StatRow) => string,
): Column<StatRow> => ({ title, text });
const right = rightOf<StatRow>;

/** A table for each kind, in the order of their names. */
export function formatStats(
  rows: readonly StatRow[],
  options: StatTableOptions,
): string {
  const kinds = [...new Set(rows.map(({ kind }) => kind))].sort();
  return kinds.map((kind) =>
    formatTable(
      columnsOf(kind, kinds.length > 1, options),
      rows.filter((row) => row.kind === kind).sort(byName),
      "tabular",
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
  kind: string,
  withKind: boolean,
  { windowMs, isWide, allNamespaces, objects }: StatTableOptions,
): readonly Column<StatRow>[] {
  const names: Column<StatRow>[] = [
    ...allNamespaces
      ? [left("NAMESPACE", ({ namespace }) => harmless(namespace))]
      : [],
    left(
      "NAME",
      ({ kind, name }) =>
        harmless(withKind ? `${shortOf(kind)}/${name}` : name),
    ),
    ...kind === "pod" && objects !== null
      ? [right("STATUS", (row) => statusIn(objects, row))]
      : [],
    ...kind === "httproute"
      ? [right("SERVER", ({ policy }) => harmless(policy?.server ?? ""))]
      : [],
  ];
  return [
    ...names,
    ...POLICY_KINDS.has(kind) ? [] : [
      right(
        "MESHED",
        ({ pods }) =>
          pods === null ? NOTHING : `${pods.meshed}/${pods.running}`,
      ),
    ],
    ...DENYING.includes(kind)
      ? [
        right(
          "UNAUTHORIZED",
          ({ policy }) => perSecond(policy?.denied ?? 0, windowMs),
        ),
      ]
      : [],
    ...goldenColumns(windowMs),
    ...WITHOUT_TCP.includes(kind) ? [] : tcpColumns(windowMs, isWide),
  ];
}

function goldenColumns(windowMs: number): Column<StatRow>[] {
  const seen = (
    title: string,
    text: (golden: NonNullable<StatRow["golden"]>) => string,
  ) => right(title, ({ golden }) => golden === null ? NOTHING : text(golden));
  return [
    seen("SUCCESS", success),
    seen(
      "RPS",
      ({ success, failure }) => perSecond(success + failure, windowMs),
    ),
    ...latencies<StatRow>(({ golden }) => golden?.latencyMs ?? null),
  ];
}

function tcpColumns(windowMs: number, isWide: boolean): Column<StatRow>[] {
  const bytes = (title: string, of: "readBytes" | "writtenBytes") =>
    right(
      title,
      ({ tcp }) =>
        tcp === null ? NOTHING : `${rate(tcp[of], windowMs).toFixed(1)}B/s`,
    );
  return [
    right("TCP_CONN", ({ tcp }) => tcp === null ? NOTHING : String(tcp.open)),
    ...isWide
      ? [
        bytes("READ_BYTES/SEC", "readBytes"),
        bytes("WRITE_BYTES/SEC", "writtenBytes"),
      ]
      : [],
  ];
}

/** As kubectl shows it; a pod that is gone has none. */
function statusIn(objects: Objects, row: StatRow): string {
  const pod = objects.get(row);
  return pod === undefined
    ? NOTHING
    : harmless(statusOf(pod as unknown as Pod));
}
