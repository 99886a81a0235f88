import type { DestinationConfig } from "../config.ts";
import { type FilesSource, openFilesSource } from "../files/source.ts";
import type { Log } from "../log.ts";
import { createMetrics, type Metrics } from "../metrics.ts";
import { addProcessMetrics } from "../metrics/process.ts";
import { serveAdmin } from "../serve/admin.ts";
import { destinationRoutes } from "../serve/destination.ts";
import { serveGrpc } from "../serve/grpc.ts";
import { observeCalls } from "../serve/observe.ts";
import { policyRoutes } from "../serve/policy.ts";
import { createWorld, type World } from "../world.ts";
import { type Running, startWith } from "./running.ts";

/** Starts discovery and policy over one view of the world; ready when the source has been read once. */
export function startDestination(
  config: DestinationConfig,
  log: Log,
): Promise<Running> {
  return startWith(async (closing) => {
    const world = createWorld({ settings: config.settings, log });
    closing(world.close);
    const metrics = createMetrics();
    addProcessMetrics(metrics);
    let isReady = false;
    const admin = serveAdmin({
      address: config.adminAddress,
      metrics,
      ready: () => isReady,
    });
    closing(admin.close);

    const watching = new AbortController();
    closing(() => watching.abort());
    const source = await openFilesSource({
      dir: config.manifests,
      emit: world.apply,
      log,
      signal: watching.signal,
    });
    addWorldMetrics(metrics, world, source);

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
    closing(() => void (isReady = false));
    isReady = true;
    return {
      destination: destination.port,
      policy: policy.port,
      admin: admin.port,
    };
  });
}

function addWorldMetrics(
  metrics: Metrics,
  world: World,
  source: FilesSource,
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
    "manifest_problems",
    "Objects in the folder of manifests that cannot be used as they are.",
    [],
    () => [{ labels: [], value: source.problems().length }],
  );
}
