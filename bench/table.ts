import type { Case } from "./case.ts";
import type { Row } from "./result.ts";

const COLUMNS: readonly (readonly [string, (row: Row) => number | null])[] = [
  ["req/s", (row) => row.rps],
  ["MB/s", (row) => row.mbPerS],
  ["p50 ms", (row) => row.p50Ms],
  ["p99 ms", (row) => row.p99Ms],
  ["p99.9 ms", (row) => row.p999Ms],
  ["failed", (row) => row.failed],
  ["CPU ms/1000", (row) => row.cpuMsPer1000],
  ["RSS MB", (row) => row.rssMb],
  ["private MB", (row) => row.privateDirtyMb],
];

/** Subjects that others are not compared with. */
const NO_PEERS: readonly string[] = ["none", "ours"];

/** The table of one case, with each subject's figure of merit as a ratio to the best peer's. */
export function formatTable(one: Case, rows: readonly Row[]): string {
  const { figure, better } = one.merit;
  const peers = rows.filter(({ subject }) => !NO_PEERS.includes(subject))
    .map((row) => row[figure]).filter((value) => value !== null);
  const best = better === "higher" ? Math.max(...peers) : Math.min(...peers);
  const ratio = (row: Row): string => {
    const value = row[figure];
    return value === null || peers.length === 0
      ? "-"
      : `${(value / best).toFixed(2)} x`;
  };
  const shown = COLUMNS.filter(([, read]) =>
    rows.some((row) => read(row) !== null)
  );
  const lines = [
    ["", ...shown.map(([title]) => title), "to best peer"],
    ...rows.map((row) => [
      row.subject,
      ...shown.map(([, read]) => read(row)?.toString() ?? "-"),
      ratio(row),
    ]),
  ];
  const name =
    shown.find(([, read]) =>
      rows.some((row) => read(row) === row[figure] && row[figure] !== null)
    )?.[0] ?? figure;
  return `${one.name}: ${one.about}; ratios are of ${name}, ${better} is better\n${
    align(lines)
  }\n`;
}

function align(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0))
  );
  return lines.map((line) =>
    line.map((cell, column) =>
      column === 0
        ? cell.padEnd(widths[column] ?? 0)
        : cell.padStart(widths[column] ?? 0)
    ).join("  ")
  ).join("\n");
}
