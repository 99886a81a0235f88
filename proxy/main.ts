import { describe, Problem } from "../schemas/problem.ts";
import { createAdminPort } from "./admin/port.ts";
import { startCertification } from "./certification.ts";
import { type Config, parseConfig } from "./config.ts";
import { createDrain } from "./drain.ts";
import { createLogs, type Log } from "./log.ts";
import { createOutput } from "./log/output.ts";
import { recordProcess } from "./process.ts";
import { createRegistry } from "./record.ts";
import { createFamilies } from "./record/families.ts";
import { defaultPolicyOf } from "./start/default-policy.ts";
import { startAdminServer, startTapServer } from "./start/inside.ts";
import { connecting, lines, openClient, type Shared } from "./start/shared.ts";
import { startSides } from "./start/sides.ts";
import { Taps } from "./tap/taps.ts";
import { startTracing } from "./trace/start.ts";
import { BUILD } from "./version.ts";

/** Exit codes, as Linkerd's proxy: 64 for a configuration that cannot be used (EX_USAGE), 1 for any other failure. */
const EXIT_CONFIG = 64;
/** How long the end waits for a collector to take the last spans; kubelet's patience also goes to the connections. */
const LAST_SPANS_MS = 2_000;
/** How often a proxy without its first certificate says so. */
const WAITING_LINE_MS = 15_000;

const output = createOutput(Bun.stdout.writer());

try {
  await run(parseConfig(process.env));
  await output.flush();
  process.exit(0);
} catch (error) {
  const config = error instanceof Problem && error.code === "config.invalid";
  output.write(`${describe(error)}\n`);
  await output.flush();
  process.exit(config ? EXIT_CONFIG : 1);
}

/** Starts everything, carries traffic until it is asked to stop, and lets what is under way finish. */
async function run(config: Config): Promise<void> {
  const logs = createLogs({
    filter: config.log.filter,
    format: config.log.format,
    write: output.write,
    uptimeMs: () => performance.now(),
  });
  const log = logs.target("app");
  for (const warning of config.warnings) log.warn(warning);
  outliveOversights(log);
  const stop = Promise.withResolvers<string>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => stop.resolve(signal));
  }

  const registry = createRegistry({ retainIdleMs: config.metricsRetainIdleMs });
  recordProcess(registry, BUILD);
  const families = createFamilies(registry);
  const drain = createDrain();
  const alone: Shared = { config, logs, families, drain, taps: new Taps() };

  const certified = Promise.withResolvers<void>();
  const identity = await startCertification({
    config: config.identity,
    openClient: (of) => openClient(alone, "identity", of),
    families: families.control,
    certified: certified.resolve,
    log: lines(logs.target("identity")),
  });
  const shared = { ...alone, identity };
  const { port } = config.admin.listen;
  const adminPort = createAdminPort(port, defaultPolicyOf(config, port));
  startAdminServer(
    shared,
    registry,
    adminPort,
    () => stop.resolve("POST /shutdown"),
  );
  const tap = startTapServer(shared);

  const waiting = setInterval(
    () => log.warn("Waiting for identity to be initialized..."),
    WAITING_LINE_MS,
  );
  const isCertified = await Promise.race([
    certified.promise.then(() => true),
    stop.promise.then(() => false),
  ]);
  clearInterval(waiting);
  if (!isCertified) {
    return log.info("Shutting down", { reason: await stop.promise });
  }

  const tracing = await startTracing(config.trace, {
    ...connecting(shared, () => identity),
    families: families.trace,
    log: logs.target("trace"),
  });
  const sides = startSides(shared, adminPort, tracing);
  log.info("Serving", {
    name: config.identity.localName,
    inMs: Math.round(performance.now()),
  });

  const reason = await stop.promise;
  log.info("Shutting down", { reason, connections: drain.held });
  for (const side of sides) side.close();
  tap?.close();
  await Promise.race([drain.begin(), Bun.sleep(config.shutdownGraceMs)]);
  if (drain.held > 0) {
    log.warn("Connections did not finish in time", { connections: drain.held });
  }
  await tracing?.close(LAST_SPANS_MS);
}

/** What a connection's code has overlooked must not end the others: as a task of Linkerd's that panics ends alone. */
function outliveOversights(log: Log): void {
  const overlooked = log.limited(1);
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (thrown: unknown) => {
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      overlooked(event, "Unexpected failure", {
        error: describe(thrown),
        stack: stack?.replace(/\s+/g, " "),
      });
    });
  }
}
