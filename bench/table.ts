import type { Case, Merit } from "./case.ts";
import type { Row } from "./result.ts";

type Figure = Exclude<keyof Row, "case" | "subject">;

const TITLES: Readonly<Record<Figure, string>> = {
  rps: "req/s",
  mbPerS: "MB/s",
  p50Ms: "p50 ms",
  p99Ms: "p99 ms",
  p999Ms: "p99.9 ms",
  failed: "failed",
  cpuMsPer1000: "CPU ms/1000",
  rssMb: "RSS MB",
  privateDirtyMb: "private MB",
};

/** Subjects that others are not compared with. */
const NO_PEERS: readonly string[] = ["none", "ours", "ours-release"];

/** The table of one case, with each subject's figure of merit as a ratio to the best peer's, where there are peers. */
export function formatTable(
  one: Pick<Case, "name" | "about"> & { readonly merit: Merit | null },
  rows: readonly Row[],
): string {
  const shown = (Object.keys(TITLES) as Figure[])
    .filter((column) => rows.some((row) => row[column] !== null));
  const ratio = one.merit === null ? null : ratioTo(one.merit, rows);
  const lines = [
    [
      "",
      ...shown.map((column) => TITLES[column]),
      ...ratio === null ? [] : ["to best peer"],
    ],
    ...rows.map((row) => [
      row.subject,
      ...shown.map((column) => row[column]?.toString() ?? "-"),
      ...ratio === null ? [] : [ratio(row)],
    ]),
  ];
  const compared = one.merit === null
    ? ""
    : `; ratios are of ${
      TITLES[one.merit.figure]
    }, ${one.merit.better} is better`;
  return `${one.name}: ${one.about}${compared}\n${align(lines)}\n`;
}

function ratioTo(
  { figure, better }: Merit,
  rows: readonly Row[],
): (row: Row) => string {
  const peers = rows.filter(({ subject }) => !NO_PEERS.includes(subject))
    .map((row) => row[figure]).filter((value) => value !== null);
  const best = better === "higher" ? Math.max(...peers) : Math.min(...peers);
  return (row) => {
    const value = row[figure];
    return value === null || peers.length === 0
      ? "-"
      : `${(value / best).toFixed(2)} x`;
  };
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
