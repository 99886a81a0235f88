import type { Round } from "../case.ts";
import type { Load } from "../result.ts";
import { runLoad } from "./run.ts";

/** Sends `rate` HTTP/1.1 requests per second, whatever the answers do. */
export async function runOpenLoop(
  rate: number,
  { pod, target, seconds }: Round,
): Promise<Load> {
  // Ahead of the proxies in the queue for a processor: what waits is to be the proxies, not their clock.
  const argv = ["nice", "-n", "-10", "bun", "bench/load/open-loop.ts"];
  const output = await runLoad(
    pod,
    [...argv, target.ip, `${target.port}`, `${rate}`, `${seconds}`],
    seconds,
    { uid: 0 },
  );
  return JSON.parse(output) as Load;
}
