import kleur from "kleur";
import type { Edge } from "./edges.ts";

/** Terminals are at least this wide; pipes are taken to be. */
export const NARROW = 80;
/** Room for the identities too. */
const WIDE = 120;

interface Column {
  readonly title: string;
  readonly right?: boolean;
  readonly cell: (edge: Edge, seconds: number) => string;
}

const COLUMNS: readonly Column[] = [
  { title: "FROM", cell: ({ src }) => src },
  { title: "TO", cell: ({ dst }) => dst },
  { title: "PROTO", cell: ({ protocol }) => protocol },
  {
    title: "RPS",
    right: true,
    cell: ({ requests }, seconds) => (requests / seconds).toFixed(1),
  },
  {
    title: "OK",
    right: true,
    cell: ({ successRate }) => `${floor(successRate * 100)}%`,
  },
  { title: "P50 ms", right: true, cell: ({ p50Ms }) => formatMs(p50Ms) },
  { title: "P95 ms", right: true, cell: ({ p95Ms }) => formatMs(p95Ms) },
  { title: "P99 ms", right: true, cell: ({ p99Ms }) => formatMs(p99Ms) },
  {
    title: "SECURED",
    cell: ({ tls, denied }) => `${tls ?? "no"}${denied > 0 ? " denied" : ""}`,
  },
];

const IDENTITIES: Column = {
  title: "IDENTITIES",
  cell: ({ clientId, serverId }) =>
    serverId === null
      ? ""
      : `${shorten(clientId ?? "not verified")} to ${shorten(serverId)}`,
};

/** The edges as lines no longer than `width`, a heading first; rates are over the last `seconds`. */
export function formatTable(
  edges: readonly Edge[],
  seconds: number,
  width: number,
): string[] {
  const columns = width >= WIDE ? [...COLUMNS, IDENTITIES] : COLUMNS;
  const rows = edges.map((edge) =>
    columns.map(({ cell }) => cell(edge, seconds))
  );
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0))
  );
  const format = (cells: readonly string[]): string =>
    columns.map(({ right }, index) => {
      const text = cells[index] ?? "";
      const size = widths[index] ?? 0;
      return right === true ? text.padStart(size) : text.padEnd(size);
    }).join("  ").trimEnd().slice(0, width);
  return [
    kleur.bold(format(columns.map(({ title }) => title))),
    ...edges.map((edge, index) => colour(edge, format(rows[index] ?? []))),
  ];
}

/** `web.shop` of `web.shop.serviceaccount.identity.linkerd.cluster.local`. */
function shorten(identity: string): string {
  return identity.split(".serviceaccount.identity.")[0] ?? identity;
}

function colour(edge: Edge, line: string): string {
  if (edge.successRate < 1) return kleur.red(line);
  return edge.secured ? line : kleur.yellow(line);
}

/** 99.9 % never shows as 100 %. */
function floor(percent: number): string {
  const tenths = Math.floor(percent * 10) / 10;
  return tenths === 100 ? "100" : tenths.toFixed(1);
}

function formatMs(ms: number | null): string {
  return ms === null ? "-" : ms < 100 ? ms.toFixed(1) : ms.toFixed(0);
}
