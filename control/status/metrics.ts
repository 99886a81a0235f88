import type { Metrics } from "../metrics.ts";

/** What is counted of writing statuses; the names are Linkerd's. */
export interface StatusMetrics {
  readonly enqueue: () => void;
  readonly overflow: () => void;
  readonly dequeue: () => void;
  /** Not written, as another replica does. */
  readonly drop: () => void;
  readonly patched: (seconds: number) => void;
  readonly failed: () => void;
  readonly timedOut: () => void;
}

/** In seconds; a patch is given up after five. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Adds the metrics to those of the program. */
export function addStatusMetrics(metrics: Metrics): StatusMetrics {
  const count = (name: string, help: string) => {
    const counter = metrics.counter(`resource_status_${name}_total`, help, []);
    // From the start, so that a rate is known from the first one on.
    counter.add([], 0);
    return () => counter.add([]);
  };
  const patches = count("patches", "Statuses written.");
  const durations = metrics.histogram(
    "resource_status_patch_duration_seconds",
    "How long writing a status took.",
    BUCKETS,
  );
  return {
    enqueue: count("patch_enqueues", "Objects to look at."),
    overflow: count(
      "patch_enqueue_overflows",
      "Objects put off as too many were waiting.",
    ),
    dequeue: count("patch_dequeues", "Objects looked at."),
    drop: count("patch_drops", "Objects left to the replica that writes."),
    patched: (seconds) => {
      patches();
      durations.add(seconds);
    },
    failed: count("patch_api_errors", "Statuses refused by the API server."),
    timedOut: count("patch_timeouts", "Statuses not written in time."),
  };
}
