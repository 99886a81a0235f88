import { parseArgs } from "node:util";
import { parseDuration } from "../../schemas/duration.ts";
import { describe } from "../../schemas/problem.ts";

/** sysexits.h: a service is unavailable; and a command line is wrong. */
const EX_UNAVAILABLE = 69;
const EX_USAGE = 64;

export interface Wait {
  readonly port: number;
  /** Give up after this long; undefined: never. */
  readonly timeoutMs: number | undefined;
  /** Between two questions. */
  readonly backOffMs: number;
}

/** Linkerd's `linkerd-await`: returns true when the proxy beside us is ready, false when time is up. */
export async function awaitReady(
  { port, timeoutMs, backOffMs }: Wait,
): Promise<boolean> {
  const until = performance.now() + (timeoutMs ?? Infinity);
  for (;;) {
    if (await isReady(port)) return true;
    if (performance.now() + backOffMs > until) return false;
    await Bun.sleep(backOffMs);
  }
}

/** A proxy that answers late is asked again. */
const ANSWER_MS = 1_000;

async function isReady(port: number): Promise<boolean> {
  try {
    const { ok } = await fetch(`http://127.0.0.1:${port}/ready`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return ok;
  } catch {
    return false; // not there yet
  }
}

/** A command line with Linkerd's names and defaults. */
export function parseWait(args: readonly string[]): Wait {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", short: "p", default: "4191" },
      timeout: { type: "string", short: "t" },
      backoff: { type: "string", short: "b", default: "1s" },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`--port is "${values.port}", expected a port number`);
  }
  return {
    port,
    timeoutMs: values.timeout === undefined
      ? undefined
      : parseDuration(values.timeout),
    backOffMs: parseDuration(values.backoff),
  };
}

if (import.meta.main) {
  try {
    const wait = parseWait(process.argv.slice(2));
    if (await awaitReady(wait)) process.exit(0);
    process.stderr.write(
      `the proxy on port ${wait.port} was not ready in time\n`,
    );
    process.exit(EX_UNAVAILABLE);
  } catch (error) {
    process.stderr.write(`${describe(error)}\n`);
    process.exit(EX_USAGE);
  }
}
