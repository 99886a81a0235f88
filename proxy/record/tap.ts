import type { Registry } from "../record.ts";

/** Counts events of taps that were lost, as they came faster than somebody read them. */
export function recordDroppedTapEvents(
  registry: Registry,
): (events: number) => void {
  const series = registry.counter(
    "proxy_tap_events_dropped_total",
    "Events of taps that nobody read in time",
  ).with("");
  return (events) => void (series.value += events);
}
