import type { Cluster } from "../cluster.ts";
import { openCluster } from "../cluster/open.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { KUBERNETES_API } from "./checks/kubernetes.ts";
import { runExtensions } from "./extensions.ts";
import { MODES } from "./modes.ts";
import { type CheckOptions, readOptions, readVizOptions } from "./options.ts";
import type { CheckEvent } from "./outcome.ts";
import { createJsonPrinter, createTablePrinter } from "./printer.ts";
import { type Run, runChecks } from "./runner.ts";
import { createScene, type Memory } from "./scene.ts";

/** Looks at a cluster as the command line asks, and tells as it goes. */
export async function runCheck(given: Given, world: World): Promise<Outcome> {
  return await look(readOptions(given, world), given, world);
}

/** The same of the metrics component alone. */
export async function runVizCheck(
  given: Given,
  world: World,
): Promise<Outcome> {
  return await look(readVizOptions(given, world), given, world);
}

async function look(
  options: CheckOptions,
  given: Given,
  world: World,
): Promise<Outcome> {
  const printer = options.output === "json"
    ? createJsonPrinter(world)
    : createTablePrinter(world, options.output === "short" ? "short" : "full");
  let success = true;
  for await (const event of allEvents(options, given, world)) {
    printer.tell(event);
    if (event.kind === "result" && event.result.result === "error") {
      success = false;
    }
  }
  printer.end(success);
  return { code: success ? 0 : 1 };
}

async function* allEvents(
  options: CheckOptions,
  given: Given,
  world: World,
): AsyncGenerator<CheckEvent> {
  const run = createRun(options, () => openCluster(given, world));
  let isReachable = true;
  for await (const event of runChecks(MODES[options.mode], run)) {
    if (
      event.kind === "result" && event.category === KUBERNETES_API.name &&
      event.result.result === "error"
    ) isReachable = false;
    yield event;
  }
  const { mode } = options;
  // Which extensions there are, the cluster knows.
  if (isReachable && (mode === "default" || mode === "proxy")) {
    yield* runExtensions(options, run, given, world);
  }
}

/** A run on this machine's clock. The cluster is opened once, by the first check that asks; a failure may be tried again. */
function createRun(
  { settings, waitMs }: CheckOptions,
  openIt: () => Promise<Cluster>,
): Run {
  const memory: Memory = new Map();
  let opening: Promise<Cluster> | undefined;
  const open = () => {
    opening ??= openIt().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    now: () => performance.now(),
    after: (ms, then) => {
      const timer = setTimeout(then, ms);
      return () => clearTimeout(timer);
    },
    waitMs,
    look: (signal, age) => {
      if (age === "afresh") memory.clear();
      const nowMs = Date.now();
      return createScene({ settings, nowMs, open, memory, signal });
    },
  };
}
