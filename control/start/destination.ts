import type { DestinationConfig } from "../config/destination.ts";
import { openFilesSource } from "../files/source.ts";
import { openKubeSource } from "../kube/source.ts";
import { createStandings } from "../kube/standings.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { destinationRoutes } from "../serve/destination.ts";
import { serveGrpc } from "../serve/grpc.ts";
import { observeCalls } from "../serve/observe.ts";
import { policyRoutes } from "../serve/policy.ts";
import type { StatusWriter } from "../status/writer.ts";
import { createWorld, type World } from "../world.ts";
import { startAdmin } from "./admin.ts";
import { startExternal } from "./external.ts";
import { type Closer, type Running, startWith } from "./running.ts";
import { mattersToOthers, startStatus } from "./status.ts";

/** Starts discovery and policy over one view of the world; ready when the source has been read once. */
export function startDestination(
  config: DestinationConfig,
  log: Log,
): Promise<Running> {
  return startWith(async (closing) => {
    const world = createWorld({
      settings: config.settings,
      log,
      hasStatuses: config.source.kind === "kube",
    });
    closing(world.close);
    const admin = startAdmin(config, closing);
    const { metrics } = admin;

    const watching = new AbortController();
    closing(() => watching.abort());
    const options = { log, signal: watching.signal };
    const problems = config.source.kind === "files"
      ? await openFiles(config.source.manifests, world, options)
      : await openCluster(config.source, world, metrics, options, closing);
    addWorldMetrics(metrics, world, problems);

    const observe = observeCalls(metrics);
    const destination = await serveGrpc({
      address: config.address,
      observe,
      routes: destinationRoutes(world),
    });
    closing(destination.close);
    const policy = await serveGrpc({
      address: config.policyAddress,
      observe,
      routes: policyRoutes(world),
    });
    closing(policy.close);
    admin.setReady();
    return {
      destination: destination.port,
      policy: policy.port,
      admin: admin.port,
    };
  });
}

interface SourceOptions {
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What of a source cannot be used at the moment. */
type Problems = () => readonly unknown[];

/** Reads a folder once and follows it from then on. */
async function openFiles(
  dir: string,
  world: World,
  options: SourceOptions,
): Promise<Problems> {
  const files = await openFilesSource({ dir, emit: world.apply, ...options });
  return files.problems;
}

/** Reads a cluster once, follows it from then on, and writes there what becomes of its objects. */
async function openCluster(
  { server, replica, patchTimeoutMs }: DestinationConfig["source"] & {
    readonly kind: "kube";
  },
  world: World,
  metrics: Metrics,
  { log, signal }: SourceOptions,
  closing: (closer: Closer) => void,
): Promise<Problems> {
  let writer: StatusWriter | null = null;
  const { controlNamespace } = world.settings;
  const lease = { server, controlNamespace, replica, log };
  const external = startExternal(lease, closing);
  const standings = createStandings((path) => writer?.touch(path));
  const kube = openKubeSource({
    server,
    standings,
    emit: (events) => {
      world.apply(events);
      if (events.some(mattersToOthers)) writer?.sweep();
      external.observe(events);
    },
    log,
    signal,
  });
  await kube.synced;
  // What lists leave behind goes at once, while nobody waits (docs/decisions/0117).
  // deno-lint-ignore no-boolean-literal-for-arguments -- Bun's signature: a whole collection, now
  Bun.gc(true);
  writer = startStatus({
    ...lease,
    standings,
    judge: world.judge,
    metrics,
    patchTimeoutMs,
  }, closing);
  return kube.problems;
}

function addWorldMetrics(
  metrics: Metrics,
  world: World,
  problems: () => readonly unknown[],
): void {
  metrics.read(
    "gauge",
    "world_size",
    "Objects known of each kind, and readers that watch them.",
    ["of"],
    () =>
      Object.entries(world.sizes()).map(([of, value]) => ({
        labels: [of],
        value,
      })),
  );
  metrics.read(
    "gauge",
    "source_problems",
    "Objects that cannot be used as they are, and kinds that cannot be read.",
    [],
    () => [{ labels: [], value: problems().length }],
  );
}
