import type { Tcp } from "../../../schemas/stats.ts";
import type { Matcher, Readings } from "../readings.ts";
import { keyOf } from "./golden.ts";

/** Connections and bytes of every group of series, by the values of its labels, as one of both peers counts them. */
export async function readTcp(
  readings: Readings,
  { matchers, by, peer }: {
    readonly matchers: readonly Matcher[];
    readonly by: readonly string[];
    readonly peer: "src" | "dst";
  },
  windowMs: number,
): Promise<ReadonlyMap<string, Tcp>> {
  const labels = [
    ...matchers,
    { label: "peer", is: "=", value: peer } as const,
  ];
  const growth = (metric: string) =>
    readings.increase({ metric, labels }, by, windowMs);
  const [open, read, written] = await Promise.all([
    readings.latest({ metric: "tcp_open_connections", labels }, by),
    growth("tcp_read_bytes_total"),
    growth("tcp_write_bytes_total"),
  ]);
  const rows = new Map<string, { -readonly [K in keyof Tcp]: Tcp[K] }>();
  for (
    const [column, values] of [
      ["open", open],
      ["readBytes", read],
      ["writtenBytes", written],
    ] as const
  ) {
    for (const { labels, value } of values) {
      const key = keyOf(labels, by);
      const row = rows.get(key) ?? { open: 0, readBytes: 0, writtenBytes: 0 };
      rows.set(key, row);
      row[column] += value;
    }
  }
  return rows;
}
