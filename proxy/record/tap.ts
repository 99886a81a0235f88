import type { Registry } from "../record.ts";
import type { Family } from "./family.ts";
import type { Series } from "./series.ts";

/** Declares the counter of events of taps that were lost, as they came faster than somebody read them; without labels. */
export function tapDropped(registry: Registry): Family<Series> {
  return registry.counter(
    "proxy_tap_events_dropped_total",
    "Events of taps that nobody read in time",
  );
}

/** Counts them; the figure is there from the start. */
export function recordDroppedTapEvents(
  family: Family<Series>,
): (events: number) => void {
  const series = family.with("");
  return (events) => void (series.value += events);
}
