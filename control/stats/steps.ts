import type { Growth } from "./growth.ts";
import type { PodHistory } from "./pod-history.ts";

/**
 * Adds what a counter grew by to the steps that it grew in. Of growth between two scrapes, each step gets its share of the
 * time: exact for steady traffic.
 */
export function addSteps(
  steps: number[],
  growth: Growth,
  { times, firstSlot }: PodHistory,
  startMs: number,
  stepMs: number,
): void {
  const timeOf = (slot: number) => times[slot - firstSlot];
  // From the last scrape before the first step on: what the next one says is partly of that step.
  const first = times.findLastIndex((time) => time <= startMs);
  growth.each(firstSlot + first, (slot, increment) => {
    const untilMs = timeOf(slot);
    if (untilMs === undefined) return;
    // Of the oldest scrape it is not known since when; its growth has no time to be spread over.
    const fromMs = timeOf(slot - 1) ?? untilMs - 1;
    const at = (timeMs: number) => Math.floor((timeMs - startMs) / stepMs);
    const last = Math.min(at(untilMs), steps.length - 1);
    for (let step = Math.max(0, at(fromMs)); step <= last; step++) {
      const stepStartMs = startMs + step * stepMs;
      const ownMs = Math.min(untilMs, stepStartMs + stepMs) -
        Math.max(fromMs, stepStartMs);
      steps[step] = (steps[step] ?? 0) +
        increment * ownMs / (untilMs - fromMs);
    }
  });
}
