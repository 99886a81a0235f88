import type { Case } from "../case.ts";
import { runOpenLoop } from "../load/run-open-loop.ts";
import { BALANCERS, ENDPOINT_DELAYS_MS } from "../subjects/balancers.ts";

/** Requests per second: so few that what takes time are the endpoints. */
const RATE = 200;

/** Decides whether peak EWMA is worth its name: its 99th percentile is to be a third of the rotation's, or less. */
export const balanceSlowEndpoint: Case = {
  name: "balance-slow-endpoint",
  about: `${RATE} requests/s over endpoints that answer in ${
    ENDPOINT_DELAYS_MS.join(", ")
  } ms; nginx gives each its turn`,
  carries: "http1",
  subjects: BALANCERS,
  merit: { figure: "p99Ms", better: "lower" },
  run: (round) => runOpenLoop(RATE, round),
};
