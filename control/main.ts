import { describe, Problem } from "../schemas/problem.ts";
import { type Config, parseConfig, type ProgramConfig } from "./config.ts";
import { createLog, type Log } from "./log.ts";
import { startDestination } from "./start/destination.ts";
import { startIdentity } from "./start/identity.ts";
import { startInjector } from "./start/injector.ts";
import { startMetrics } from "./start/metrics.ts";
import type { Running } from "./start/running.ts";
import { startValidator } from "./start/validator.ts";

/** A wrong command line, as of sysexits.h. */
const EXIT_USAGE = 64;

/** Reads what to do, does it until a signal comes, and ends cleanly. */
async function main(): Promise<number> {
  let config: Config;
  try {
    config = parseConfig(process.argv.slice(2), process.env);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return EXIT_USAGE;
  }
  if (config.program === "help") {
    process.stdout.write(config.text);
    return 0;
  }
  const log = createLog(config.log);
  const asked = signalled();
  try {
    const running = await start(config, log);
    log.info("serving", { program: config.program, ...running.ports });
    log.info("ending", { signal: await asked });
    await running.close();
    return 0;
  } catch (error) {
    log.error(describe(error), {
      hint: error instanceof Problem ? error.hint : undefined,
    });
    return 1;
  }
}

function start(
  config: ProgramConfig,
  log: Log,
): Promise<Running> {
  switch (config.program) {
    case "identity":
      return startIdentity(config, log);
    case "destination":
      return startDestination(config, log);
    case "metrics":
      return startMetrics(config, log);
    case "proxy-injector":
      return startInjector(config, log);
    case "policy-validator":
    case "sp-validator":
      return startValidator(config, log);
  }
}

function signalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, resolve);
  });
}

function explain(error: unknown): string {
  const hint = error instanceof Problem ? error.hint : undefined;
  return describe(error) + (hint === undefined ? "" : `\n${hint}`);
}

process.exit(await main());
