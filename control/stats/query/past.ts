import type { Readings } from "../readings.ts";
import { ownerKey, ownerships } from "./owner.ts";

/** Requests that a workload got, step by step, the oldest first. */
export interface Past {
  readonly success: readonly number[];
  readonly failure: readonly number[];
}

/** What every workload was asked, by `ownerKey`. */
export async function readPast(
  readings: Readings,
  windowMs: number,
  stepMs: number,
): Promise<ReadonlyMap<string, Past>> {
  const found = new Map<string, { success: number[]; failure: number[] }>();
  const nothing = () => Array<number>(Math.floor(windowMs / stepMs)).fill(0);
  await Promise.all(
    ownerships("").map(async ({ by, matchers, ownerOf }) => {
      const series = await readings.series(
        {
          metric: "response_total",
          labels: [
            { label: "direction", is: "=", value: "inbound" },
            ...matchers,
          ],
        },
        [...by, "classification"],
        windowMs,
        stepMs,
      );
      for (const { labels, steps } of series) {
        const owner = ownerOf(labels);
        if (owner === null) continue;
        const key = ownerKey(owner);
        let past = found.get(key);
        if (past === undefined) {
          found.set(key, past = { success: nothing(), failure: nothing() });
        }
        const part = labels["classification"] === "success"
          ? past.success
          : past.failure;
        for (const [at, value] of steps.entries()) {
          part[at] = (part[at] ?? 0) + value;
        }
      }
    }),
  );
  return found;
}
