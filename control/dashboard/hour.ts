import { type Past, readPast } from "../stats/query/past.ts";
import { type Readings, seriesEnd } from "../stats/readings.ts";

/** What sparklines show: an hour, by minutes. */
export const HOUR_MS = 60 * 60_000;
export const STEP_MS = 60_000;

/** Reads the last hour of all workloads, once for each minute: all readers of a page share it. */
export function createHour(
  readings: Readings,
  now: () => number,
): () => Promise<ReadonlyMap<string, Past>> {
  let endMs = -1;
  let hour: Promise<ReadonlyMap<string, Past>> = Promise.resolve(new Map());
  return () => {
    const nextMs = seriesEnd(now(), STEP_MS);
    if (nextMs !== endMs) {
      endMs = nextMs;
      hour = readPast(readings, HOUR_MS, STEP_MS);
      hour.catch(() => endMs = -1); // ask again: it is the caller who is told
    }
    return hour;
  };
}
