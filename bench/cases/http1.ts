import type { Case } from "../case.ts";
import type { Load } from "../result.ts";
import { runLoad } from "../load/run.ts";
import { runOpenLoop } from "../load/run-open-loop.ts";
import { runWrk } from "../load/wrk.ts";

const byRate = { figure: "rps", better: "higher" } as const;

/** Requests per second of the open loop: far below what any subject can do, so that its latency is the subject's own. */
const RATE = 2000;

export const http1Keepalive = closedLoop("http1-keepalive", 32);
export const http1Keepalive128 = closedLoop("http1-keepalive-128", 128);

export const http1NewConnection: Case = {
  name: "http1-new-connection",
  about: "a connection for every request, 32 at a time, closed loop",
  carries: "http1",
  merit: byRate,
  run: ({ pod, target, seconds }) =>
    runWrk(
      { connections: 32, headers: ["Connection: close"] },
      pod,
      target,
      seconds,
    ),
};

export const http1OpenLoop: Case = {
  name: `http1-open-loop-${RATE}`,
  about: `${RATE} requests/s whatever happens, timed from when each was due`,
  carries: "http1",
  merit: { figure: "p99Ms", better: "lower" },
  run: (round) => runOpenLoop(RATE, round),
};

/** Connections that are open and silent. */
const IDLE = 1000;

export const idle: Case = {
  name: `idle-${IDLE}`,
  about: `${IDLE} kept connections, silent after one request each`,
  carries: "http1",
  merit: { figure: "privateDirtyMb", better: "lower" },
  run: async ({ pod, target, seconds }) => {
    const output = await runLoad(
      pod,
      [
        ...["bun", "bench/load/idle.ts", target.ip, `${target.port}`],
        ...[`${IDLE}`, `${seconds}`],
      ],
      seconds,
    );
    return JSON.parse(output) as Load;
  },
};

function closedLoop(name: string, connections: number): Case {
  return {
    name,
    about: `${connections} kept connections, closed loop`,
    carries: "http1",
    merit: byRate,
    run: ({ pod, target, seconds }) =>
      runWrk({ connections }, pod, target, seconds),
  };
}
