// A load generator that counts exactly: `bun demo/workloads/load.ts --url http://web.shop/ [--connections 4] [--rate 50]
// [--requests 1000] [--for 10s]`. It says "started" on standard error after the first answer, ends by itself or on
// SIGTERM with the answers it still awaits, and then prints one line of JSON, a LoadResult.
import { describe, Problem } from "../../schemas/problem.ts";
import { type Connection, openConnection } from "./load/connection.ts";
import { createLatencies, type LatencySummary } from "./load/latency.ts";
import { type LoadOptions, parseLoadOptions } from "./load/options.ts";

/** What was sent and what came back. */
export interface LoadResult {
  readonly seconds: number;
  readonly requests: number;
  /** Answers with a status below 400. */
  readonly succeeded: number;
  /** All other requests, answered or not. */
  readonly failed: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests that got no answer, by reason. */
  readonly errors: Readonly<Record<string, number>>;
  readonly connections: number;
  readonly rps: number;
  /** From when a request was due, so that waiting for a busy connection counts. */
  readonly latencyMs: LatencySummary;
}

/** Pause before another attempt when nobody answers at the address. */
const RECONNECT_MS = 50;

async function generate(
  options: LoadOptions,
  stop: AbortSignal,
): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  const errors: Record<string, number> = {};
  const counts = { due: 0, connections: 0, done: 0 };
  const latencies = createLatencies();
  const request = formatRequest(options);
  const start = performance.now();
  const { rate, requests, forMs } = options;

  /** When the next request is due, or null when there is none; each call takes one. */
  const takeTurn = (): number | null => {
    if (stop.aborted) return null;
    if (requests !== null && counts.due >= requests) return null;
    const at = rate === null
      ? performance.now()
      : start + counts.due * 1000 / rate;
    if (forMs !== null && at - start >= forMs) return null;
    counts.due++;
    return at;
  };
  const connect = async (): Promise<Connection> => {
    counts.connections++;
    const port = Number(options.url.port || "80");
    return await openConnection(options.url.hostname, port);
  };
  const work = async (): Promise<void> => {
    let connection: Connection | null = null;
    for (let due = takeTurn(); due !== null; due = takeTurn()) {
      const waitMs = due - performance.now();
      if (waitMs > 0) await sleep(waitMs, stop);
      if (stop.aborted && waitMs > 0) break;
      try {
        if (connection === null || !connection.isOpen()) {
          connection?.close();
          connection = null;
          connection = await connect();
        }
        const status = await connection.send(request, options.method);
        statuses[status] = (statuses[status] ?? 0) + 1;
      } catch (error) {
        const reason = describe(error);
        errors[reason] = (errors[reason] ?? 0) + 1;
        if (connection === null) await sleep(RECONNECT_MS, stop);
      }
      latencies.record(performance.now() - due);
      if (counts.done++ === 0) process.stderr.write("started\n");
    }
    connection?.close();
  };
  await Promise.all(Array.from({ length: options.connections }, work));

  const succeeded = Object.entries(statuses)
    .filter(([status]) => Number(status) < 400)
    .reduce((sum, [, count]) => sum + count, 0);
  const seconds = (performance.now() - start) / 1000;
  return {
    seconds,
    requests: counts.done,
    succeeded,
    failed: counts.done - succeeded,
    statuses,
    errors,
    connections: counts.connections,
    rps: counts.done / seconds,
    latencyMs: latencies.summarize(),
  };
}

function formatRequest(options: LoadOptions): Uint8Array {
  const { method, url, fields, body } = options;
  const length = method === "GET" && body === ""
    ? []
    : [`content-length: ${Buffer.byteLength(body)}`];
  const head = [
    `${method} ${url.pathname}${url.search} HTTP/1.1`,
    `host: ${url.host}`,
    ...fields,
    ...length,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
}

/** Waits, but no longer than until `stop`. */
function sleep(ms: number, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stop.addEventListener("abort", done);
  });
}

if (import.meta.main) {
  const stop = new AbortController();
  process.on("SIGTERM", () => stop.abort());
  try {
    const options = parseLoadOptions(process.argv.slice(2));
    const result = await generate(options, stop.signal);
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 64;
  }
}
