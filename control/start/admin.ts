import type { Common } from "../config/program.ts";
import { createMetrics, type Metrics } from "../metrics.ts";
import { addProcessMetrics } from "../metrics/process.ts";
import { serveAdmin } from "../serve/admin.ts";
import type { Closer } from "./running.ts";

/** The part that every program has: metrics, probes, and whether it is ready. */
export interface Admin {
  readonly port: number;
  readonly metrics: Metrics;
  /** Says that the program can do its work, until it ends. */
  readonly setReady: () => void;
}

/** Starts the admin port, not ready yet; what is opened is handed to `closing`. */
export function startAdmin(
  { adminAddress }: Common,
  closing: (closer: Closer) => void,
): Admin {
  const metrics = createMetrics();
  addProcessMetrics(metrics);
  let isReady = false;
  const { port, close } = serveAdmin({
    address: adminAddress,
    metrics,
    ready: () => isReady,
  });
  closing(close);
  return {
    port,
    metrics,
    setReady: () => {
      // What is closed first was opened last: probes fail before anything ends.
      closing(() => void (isReady = false));
      isReady = true;
    },
  };
}
