import { readFile, rm } from "node:fs/promises";
import type { Pod } from "../../demo/bed/pod.ts";
import { formatAddress, type SocketAddress } from "../../schemas/address.ts";
import { Problem } from "../../schemas/problem.ts";
import { latencyOf, type Load } from "../result.ts";
import { runLoad } from "./run.ts";

export interface H2load {
  readonly connections: number;
  readonly streams: number;
  readonly path: string;
  readonly headers?: readonly string[];
  /** A file whose bytes are the body; the method is then POST. */
  readonly body?: string;
}

/** HTTP/2 with prior knowledge in a closed loop: every stream is followed by another when it has ended. */
export async function runH2load(
  h2load: H2load,
  pod: Pod,
  target: SocketAddress,
  seconds: number,
  folder: string,
): Promise<Load> {
  const log = `${folder}/h2load.log`;
  const output = await runLoad(pod, [
    ...["h2load", "--clients", `${h2load.connections}`],
    ...["--max-concurrent-streams", `${h2load.streams}`],
    ...["--duration", `${seconds}`, "--log-file", log],
    ...(h2load.headers ?? []).flatMap((header) => ["--header", header]),
    ...(h2load.body === undefined ? [] : ["--data", h2load.body]),
    `http://${formatAddress(target)}${h2load.path}`,
  ], seconds);
  const durations = parseLog(await readFile(log, "utf8"));
  await rm(log);
  return { seconds, bytes: null, ...parseCounts(output), ...durations };
}

/** Lines of start, status and duration in microseconds (h2load(1), --log-file). */
function parseLog(text: string): Pick<Load, "latency"> {
  const lines = text.trimEnd().split("\n");
  const durationsMs = Float64Array.from(
    lines,
    (line) => Number(line.slice(line.lastIndexOf("\t") + 1)) / 1000,
  );
  return { latency: latencyOf(durationsMs) };
}

function parseCounts(output: string): Pick<Load, "requests" | "failed"> {
  const counts = /^requests: .* (\d+) succeeded, (\d+) failed, \d+ errored/m
    .exec(output);
  const statuses = /^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/m
    .exec(output);
  if (counts === null || statuses === null) {
    throw new Problem(
      "system.failed",
      `Cannot read h2load's report: ${output}`,
    );
  }
  const [, good, ...bad] = statuses.map(Number);
  return {
    requests: good ?? 0,
    failed: Number(counts[2]) + bad.reduce((sum, count) => sum + count, 0),
  };
}
