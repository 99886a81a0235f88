import type { Case } from "../case.ts";
import { runOpenLoop } from "../load/run-open-loop.ts";
import { runWrk } from "../load/wrk.ts";
import { TAP_MAX_RPS, TAPPED } from "../subjects/tapped.ts";

const CONNECTIONS = 32;
/** Requests per second of the open loop: much more than a person can watch, and a third of what the pair can do. */
const RATE = 10_000;

const TAPPED_HOW =
  `both proxies tapped at --max-rps ${TAP_MAX_RPS}, for all requests and for none of them`;

const byRate = {
  carries: "http1",
  subjects: TAPPED,
  merit: { figure: "rps", better: "higher" },
} as const;

/** What it costs to watch, as `linkerd viz tap` does, on both ends, where nothing is left over. */
export const tap: Case = {
  ...byRate,
  name: "tap",
  about: `${CONNECTIONS} kept connections, closed loop; ${TAPPED_HOW}`,
  run: ({ pod, target, seconds }) =>
    runWrk({ connections: CONNECTIONS }, pod, target, seconds),
};

/** What it costs under a load that the pair can carry. */
export const tapOpenLoop: Case = {
  ...byRate,
  name: `tap-open-loop-${RATE}`,
  about: `${RATE} requests/s whatever happens; ${TAPPED_HOW}`,
  run: (round) => runOpenLoop(RATE, round),
};
