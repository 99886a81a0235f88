import { Problem } from "../../../schemas/problem.ts";
import { MAX_WINDOW_MS } from "../memory.ts";

/** The shortest window that means something (as Linkerd): one and a half times between two scrapes. */
const MIN_WINDOW_MS = 15_000;

/** Throws when a window cannot be looked at. */
export function checkWindow(windowMs: number): void {
  if (windowMs < MIN_WINDOW_MS) {
    throw new Problem(
      "request.invalid",
      `metrics time window needs to be at least ${MIN_WINDOW_MS / 1_000}s`,
    );
  }
  if (windowMs <= MAX_WINDOW_MS) return;
  throw new Problem(
    "request.invalid",
    `metrics time window needs to be at most ${
      MAX_WINDOW_MS / 60_000
    }m: older metrics are not kept`,
    { hint: "ask a Prometheus for more: --set prometheusUrl" },
  );
}
