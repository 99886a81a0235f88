import type { Golden, Latency } from "../../schemas/stats.ts";
import type { Column } from "../table.ts";

type Counts = Pick<Golden, "success" | "failure">;

/** What a cell shows when there is nothing to show. */
export const NOTHING = "-";

/** A share of successes; of nothing, there is none. */
export function success({ success, failure }: Counts): string {
  const all = success + failure;
  return all === 0 ? NOTHING : `${((success / all) * 100).toFixed(2)}%`;
}

/** A share of successes from 0 to 1, for JSON. */
export function successRate({ success, failure }: Counts): number {
  return success + failure === 0 ? 0 : success / (success + failure);
}

/** How many there are in a second of a window. */
export function rate(count: number, windowMs: number): number {
  return count / (windowMs / 1_000);
}

/** Requests per second, with their unit. */
export function perSecond(requests: number, windowMs: number): string {
  return `${rate(requests, windowMs).toFixed(1)}rps`;
}

/** A column that stands right, as numbers do. */
export function right<Row>(
  title: string,
  text: (row: Row) => string,
): Column<Row> {
  return { title, text, align: "right" };
}

/** LATENCY_P50, LATENCY_P95 and LATENCY_P99. */
export function latencies<Row>(
  of: (row: Row) => Latency | null,
): readonly Column<Row>[] {
  return (["p50", "p95", "p99"] as const).map((quantile) =>
    right(`LATENCY_${quantile.toUpperCase()}`, (row) => {
      const latency = of(row);
      return latency === null ? NOTHING : `${Math.round(latency[quantile])}ms`;
    })
  );
}
