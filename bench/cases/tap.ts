import type { Case } from "../case.ts";
import { runWrk } from "../load/wrk.ts";
import { TAP_MAX_RPS, TAPPED } from "../subjects/tapped.ts";

const CONNECTIONS = 32;

/** What it costs to watch: as `linkerd viz tap` does, on both ends. */
export const tap: Case = {
  name: "tap",
  about:
    `${CONNECTIONS} kept connections, closed loop; both proxies tapped at --max-rps ${TAP_MAX_RPS}, for all requests and for none of them`,
  carries: "http1",
  subjects: TAPPED,
  merit: { figure: "rps", better: "higher" },
  run: ({ pod, target, seconds }) =>
    runWrk({ connections: CONNECTIONS }, pod, target, seconds),
};
