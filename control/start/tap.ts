import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Tapping } from "../tap.ts";
import { connectGrpc } from "../tap/client.ts";
import type { KnownPods } from "../tap/known.ts";
import { createTapping } from "../tap/tapping.ts";

/** Taps proxies, and counts and tells how that goes. */
export function startTap(
  pods: KnownPods,
  metrics: Metrics,
  log: Log,
): Tapping {
  const events = metrics.counter(
    "tap_events_total",
    "Live requests that proxies told of: shown, dropped for a reader that is too slow, or garbage.",
    ["fate"],
  );
  return createTapping({
    pods: pods.all,
    whoIs: pods.whoIs,
    connect: connectGrpc(),
    now: Date.now,
    failed: ({ id }, error) => log.warn("cannot tap proxy", { pod: id, error }),
    counted: (fate) => events.add([fate]),
  });
}
