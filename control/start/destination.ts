import type { DestinationConfig } from "../config/destination.ts";
import { openFilesSource } from "../files/source.ts";
import { openKubeSource } from "../kube/source.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { destinationRoutes } from "../serve/destination.ts";
import { serveGrpc } from "../serve/grpc.ts";
import { observeCalls } from "../serve/observe.ts";
import { policyRoutes } from "../serve/policy.ts";
import type { Emit } from "../source.ts";
import { createWorld, type World } from "../world.ts";
import { startAdmin } from "./admin.ts";
import { type Running, startWith } from "./running.ts";

/** Starts discovery and policy over one view of the world; ready when the source has been read once. */
export function startDestination(
  config: DestinationConfig,
  log: Log,
): Promise<Running> {
  return startWith(async (closing) => {
    const world = createWorld({ settings: config.settings, log });
    closing(world.close);
    const admin = startAdmin(config, closing);
    const { metrics } = admin;

    const watching = new AbortController();
    closing(() => watching.abort());
    const problems = await openSource(config, {
      emit: world.apply,
      log,
      signal: watching.signal,
    });
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

/** Reads the source once and follows it from then on; the answer tells what of it cannot be used at the moment. */
async function openSource(
  { source }: DestinationConfig,
  options: {
    readonly emit: Emit;
    readonly log: Log;
    readonly signal: AbortSignal;
  },
): Promise<() => readonly unknown[]> {
  if (source.kind === "files") {
    const files = await openFilesSource({ dir: source.manifests, ...options });
    return files.problems;
  }
  const kube = openKubeSource({ server: source.server, ...options });
  await kube.synced;
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
