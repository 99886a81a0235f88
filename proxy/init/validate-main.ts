/** `bun proxy/init/validate-main.ts [flags]`: proves that this pod's connections are redirected, or exits with 95. */
import { parseAddress, type SocketAddress } from "../../schemas/address.ts";
import { parseDuration } from "../../schemas/duration.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import { type FlagTable, readFlags } from "./flags.ts";
import { createLog, LOG_FORMATS, LOG_LEVELS } from "./log.ts";
import { createToken, type Probe, validate } from "./validate.ts";

/** What the repair controller of Linkerd's CNI plugin looks for in a pod's last state. */
const EXIT_NOT_REDIRECTED = 95;
/** sysexits.h EX_USAGE: the command line cannot be used. */
const EXIT_USAGE = 64;

const FLAGS = {
  "listen-addr": { type: "string" },
  "connect-addr": { type: "string" },
  "timeout": { type: "string" },
  "log-format": { type: "string" },
  "log-level": { type: "string" },
} as const satisfies FlagTable;

const ENVIRONMENT = "LINKERD_NETWORK_VALIDATOR_";

async function main(): Promise<number> {
  const stopped = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.once(signal, () => stopped.abort());
  }
  try {
    const { probe, log } = parseOptions(process.argv.slice(2), process.env);
    await validate(probe, stopped.signal);
    log("info", "connections of this pod are redirected");
    return 0;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    const hint = problem.hint === undefined ? "" : `\n  ${problem.hint}`;
    process.stderr.write(`${problem.message}${hint}\n`);
    return problem.code === "config.invalid" ? EXIT_USAGE : EXIT_NOT_REDIRECTED;
  }
}

function parseOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { probe: Probe; log: ReturnType<typeof createLog> } {
  const { texts, problems: unread } = readFlags(argv, FLAGS);
  const problems = [...unread];
  const parse = <T>(
    name: keyof typeof FLAGS,
    usual: string,
    read: (text: string) => T,
    otherwise: T,
  ): T => {
    try {
      return read(texts.get(name)?.at(-1) ?? usual);
    } catch (problem) {
      problems.push(`--${name}: ${describe(problem)}`);
      return otherwise;
    }
  };
  const oneOf =
    <T extends string>(known: readonly T[]) => (text: string): T => {
      const found = known.find((one) => one === text);
      if (found !== undefined) return found;
      throw new Problem(
        "config.invalid",
        `"${text}" is none of ${known.join(", ")}`,
      );
    };
  const nowhere: SocketAddress = { ip: "0.0.0.0", port: 0 };
  const probe: Probe = {
    listen: parse("listen-addr", "0.0.0.0:4140", parseAddress, nowhere),
    // TEST-NET-1 (RFC 5737): never answers by itself.
    connect: parse("connect-addr", "192.0.2.2:1404", parseAddress, nowhere),
    timeoutMs: parse("timeout", "10s", parseDuration, 0),
    token: createToken(Math.random),
  };
  const log = createLog(
    parse(
      "log-format",
      env[`${ENVIRONMENT}LOG_FORMAT`] ?? "plain",
      oneOf(LOG_FORMATS),
      "plain",
    ),
    parse(
      "log-level",
      env[`${ENVIRONMENT}LOG_LEVEL`] ?? "info",
      oneOf(LOG_LEVELS),
      "info",
    ),
  );
  if (problems.length === 0) return { probe, log };
  throw new Problem(
    "config.invalid",
    `Cannot read the flags:\n  ${problems.join("\n  ")}`,
  );
}

// Not `exitCode`: a connection attempt that nobody answers cannot be called off and would keep the process alive.
process.exit(await main());
