import type { Pod } from "../../demo/bed/pod.ts";
import { formatAddress, type SocketAddress } from "../../schemas/address.ts";
import type { Load } from "../result.ts";
import { runLoad } from "./run.ts";

export interface Wrk {
  readonly connections: number;
  readonly headers?: readonly string[];
}

/** HTTP/1.1 in a closed loop: every connection sends its next request when it has its answer. */
export async function runWrk(
  wrk: Wrk,
  pod: Pod,
  target: SocketAddress,
  seconds: number,
): Promise<Load> {
  const output = await runLoad(pod, [
    ...["wrk", "--threads", "1", "--connections", `${wrk.connections}`],
    ...["--duration", `${seconds}s`, "--timeout", "5s"],
    ...(wrk.headers ?? []).flatMap((header) => ["--header", header]),
    ...["--script", "bench/load/report.lua"],
    `http://${formatAddress(target)}/`,
  ], seconds);
  const report = output.slice(output.lastIndexOf("REPORT ") + 7);
  return JSON.parse(report) as Load;
}
