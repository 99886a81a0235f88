// `npm run demo`: a whole mesh on one machine, live. See options.ts for the flags.
import { openBrowser } from "../cli/browser.ts";
import { describe, Problem } from "../schemas/problem.ts";
import { type Bed, openBed } from "./bed/bed.ts";
import { startControlPlane } from "./bed/control-plane.ts";
import { type Load, startLoad } from "./bed/load.ts";
import type { Pod } from "./bed/pod.ts";
import { writeCanary } from "./canary.ts";
import { formatGuide } from "./guide.ts";
import { readMemory } from "./memory.ts";
import { compare, type Snapshot, takeSnapshot } from "./observe.ts";
import { type DemoOptions, HELP, parseDemoOptions } from "./options.ts";
import { createMarkers, lookForMarkers, type Sighting } from "./plaintext.ts";
import { writePolicy } from "./policy.ts";
import { createScreen, type Screen } from "./screen.ts";
import { openShop } from "./shop.ts";
import { formatTable } from "./table.ts";
import { findFaults } from "./verdict.ts";
import { startViz, type Viz } from "./viz.ts";

/** Connections of the load generator. */
const CONNECTIONS = 4;
/** How long packets are recorded: tens of pages. */
const LOOK_MS = 1_000;
/** The live table's figures are over this long. */
const WINDOW_MS = 10_000;
const EXIT_USAGE = 64;

/** A mesh under load. */
interface Running {
  readonly control: readonly Pod[];
  readonly shop: readonly Pod[];
  readonly load: Load;
  readonly start: Snapshot;
  readonly sighting: Sighting;
  readonly viz: Viz;
}

async function main(): Promise<number> {
  const options = parseDemoOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const screen = createScreen(options.json ? process.stderr : process.stdout);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.once(signal, () => stop.abort());
  }
  const bed = await openBed({ name: "demo", log: screen.say });
  try {
    const running = await unlessAborted(
      bringUp(bed, options, screen),
      stop.signal,
    );
    if (running === null) return EXIT_INTERRUPTED;
    await watch(running, options, { screen, stop: stop.signal });
    await running.viz.close();
    return await conclude(running, options, screen);
  } finally {
    await bed.close();
  }
}

/** 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;

async function bringUp(
  bed: Bed,
  options: DemoOptions,
  screen: Screen,
): Promise<Running> {
  const begun = performance.now();
  const say = (line: string): void => {
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    screen.say(`${seconds.padStart(5)} s  ${line}`);
  };
  say(`bridge and node in network namespace ${bed.node}`);
  const control = await startControlPlane(bed);
  say("control plane: identity, destination and policy, behind our proxies");
  await Promise.all([writePolicy(bed), writeCanary(bed)]);
  const shop = await openShop(bed, screen.say);
  say(`workloads: ${shop.pods.map(({ name }) => name).join(", ")}`);
  const markers = createMarkers();
  const start = await takeSnapshot(shop.pods);
  const load = startLoad(shop.load, {
    url: "http://web/",
    connections: CONNECTIONS,
    rate: options.rate,
    headers: [`x-secret: ${markers.secret}`, `x-open: ${markers.open}`],
  });
  await load.started();
  say(`load: ${options.rate} pages/s from load to web`);
  const sighting = await lookForMarkers(bed, markers, LOOK_MS);
  say(
    sighting.secretSeen
      ? "packets: what meshed pods say CAN be read on the bridge"
      : "packets: nothing that meshed pods say can be read on the bridge",
  );
  screen.say("");
  const viz = startViz(shop.pods, screen.say);
  for (const line of formatGuide(bed, viz.address)) screen.say(line);
  screen.say("");
  if (options.browser && options.forMs === null && hasDesktop()) {
    openBrowser(`http://${viz.address}/`, () => {});
  }
  return {
    control: [control.identity.pod, control.destination.pod],
    shop: shop.pods,
    load,
    start,
    sighting,
    viz,
  };
}

/** Whether somebody sits at this machine: elsewhere a browser would open for nobody. */
function hasDesktop(): boolean {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  return process.stdout.isTTY && Boolean(DISPLAY || WAYLAND_DISPLAY);
}

/** Shows the live table until the time is up or a signal comes. */
async function watch(
  { shop, start }: Running,
  options: DemoOptions,
  { screen, stop }: { readonly screen: Screen; readonly stop: AbortSignal },
): Promise<void> {
  const endMs = options.forMs === null ? Infinity : start.atMs + options.forMs;
  const recent = [start];
  for (;;) {
    const leftMs = endMs - performance.now();
    await sleep(Math.min(Math.max(0, leftMs), screen.refreshMs), stop);
    if (leftMs <= screen.refreshMs || stop.aborted) return;
    const now = await takeSnapshot(shop);
    recent.push(now);
    while (recent.length > 2 && now.atMs - (recent[1]?.atMs ?? 0) > WINDOW_MS) {
      recent.shift();
    }
    const { edges, seconds } = compare(recent[0] ?? start, now);
    screen.show(formatTable(edges, seconds, screen.width));
  }
}

/** Ends the load, judges the whole run and reports it; returns the exit code. */
async function conclude(
  { control, shop, load, start, sighting }: Running,
  options: DemoOptions,
  screen: Screen,
): Promise<number> {
  const result = await load.stop();
  const { edges, seconds } = compare(start, await takeSnapshot(shop));
  const meshed = shop.filter(({ proxy }) => proxy !== null);
  const faults = findFaults({
    edges,
    meshed: new Set(meshed.map(({ name }) => name)),
    load: result,
    sighting,
  });
  for (const line of formatTable(edges, seconds, screen.width)) {
    screen.say(line);
  }
  screen.say(
    `${result.requests} pages in ${
      seconds.toFixed(1)
    } s, ${result.failed} failed`,
  );
  for (const fault of faults) screen.say(`not well: ${fault}`);
  if (options.json) {
    const report = {
      ok: faults.length === 0,
      seconds: Math.round(seconds * 1000) / 1000,
      edges,
      pods: await Promise.all([...control, ...shop].map(describePod)),
    };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }
  return faults.length === 0 ? 0 : 1;
}

/** A pod and the memory of its proxy. */
async function describePod({ name, proxy }: Pod): Promise<unknown> {
  const memory = proxy === null
    ? { rssMb: null, privateDirtyMb: null }
    : await readMemory(proxy.program().pid);
  return { name, meshed: proxy !== null, ...memory };
}

/** Null when the signal comes first; what becomes of the work then is of no interest, its bed is being removed. */
function unlessAborted<T>(
  work: Promise<T>,
  stop: AbortSignal,
): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(null);
    if (stop.aborted) abort();
    stop.addEventListener("abort", abort);
    work.then(resolve, reject)
      .finally(() => stop.removeEventListener("abort", abort));
  });
}

function sleep(ms: number, stop: AbortSignal): Promise<unknown> {
  return unlessAborted(Bun.sleep(ms), stop);
}

try {
  process.exit(await main());
} catch (error) {
  const hint = error instanceof Problem ? error.hint : undefined;
  process.stderr.write(
    `${describe(error)}\n${hint === undefined ? "" : `${hint}\n`}`,
  );
  process.exit(
    error instanceof Problem && error.code === "config.invalid"
      ? EXIT_USAGE
      : 1,
  );
}
