import type { Layout } from "./go-layout.ts";
import { printJson } from "./print.ts";

/** A row of `diagnostics endpoints`, its fields in the order of its JSON. */
export interface Endpoint {
  readonly namespace: string;
  readonly ip: string;
  readonly port: number;
  readonly pod: string;
  /** `<service>.<namespace>`. */
  readonly service: string;
  readonly weight: number;
  readonly http2?: Layout;
  readonly labels: Readonly<Record<string, string>>;
}

const HEADER = ["NAMESPACE", "IP", "PORT", "POD", "SERVICE"];
/** Blanks between columns. */
const GAP = 3;

/** A table for each namespace, a blank line between them. */
export function endpointsTable(endpoints: readonly Endpoint[]): string {
  const sorted = sort(endpoints);
  const namespaces = new Set(sorted.map(({ namespace }) => namespace));
  return [...namespaces].map((name) =>
    align([
      HEADER,
      ...sorted.filter(({ namespace }) => namespace === name).map((
        { namespace, ip, port, pod, service },
      ) => [namespace, ip, String(port), pod, service]),
    ])
  ).join("\n");
}

/** The same for scripts, with weights, labels and HTTP/2 settings. */
export function endpointsJson(endpoints: readonly Endpoint[]): string {
  return printJson(
    sort(endpoints).map(({ labels, ...rest }) => ({
      ...rest,
      labels: Object.fromEntries(
        Object.entries(labels).sort(([a], [b]) => a < b ? -1 : 1),
      ),
    })),
  );
}

function sort(endpoints: readonly Endpoint[]): Endpoint[] {
  const key = ({ namespace, service, ip, port }: Endpoint) =>
    [namespace, service, ip.padStart(39), String(port).padStart(5)].join("\0");
  return endpoints.toSorted((a, b) => key(a) < key(b) ? -1 : 1);
}

/** Lines of columns, left-aligned; nothing follows the last one. */
function align(rows: readonly (readonly string[])[]): string {
  const widths = HEADER.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length))
  );
  return rows.map((row) =>
    `${
      row.map((cell, column) =>
        column === row.length - 1
          ? cell
          : cell.padEnd((widths[column] ?? 0) + GAP)
      ).join("")
    }\n`
  ).join("");
}
