import { PORTS } from "../../schemas/names.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import {
  ApiError,
  type Cluster,
  type Forward,
  type PodName,
} from "../cluster.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";
import { DEPLOYMENT } from "../workload/kinds.ts";
import { type GrpcClient, openGrpc } from "./grpc.ts";
import { GrpcError } from "./status.ts";

/** The APIs that the pods of Deployment `linkerd-destination` serve. */
export type Controller = "destination" | "policy";

const NAME = "linkerd-destination";

/**
 * Asks an API of the control plane, at `--api-addr` or through the API server, and tells what goes wrong on the way as
 * Linkerd does.
 */
export async function askController(
  given: Given,
  world: World,
  controller: Controller,
  ask: (client: GrpcClient) => Promise<Outcome>,
): Promise<Outcome> {
  const reached = await reach(given, world, controller).catch(notReached);
  if ("code" in reached) return reached;
  const client = openGrpc(reached.url);
  try {
    return await ask(client);
  } catch (thrown) {
    if (!(thrown instanceof GrpcError)) throw thrown;
    return {
      code: 1,
      stderr: `Destination API error: ${describe(thrown)}\n`,
    };
  } finally {
    client.close();
    await reached.close();
  }
}

function notReached(thrown: unknown): Outcome {
  const hint = thrown instanceof Problem ? thrown.hint : undefined;
  return {
    code: 1,
    stderr: `Error creating destination client: ${describe(thrown)}\n${
      hint === undefined ? "" : `${hint}\n`
    }`,
  };
}

async function reach(
  given: Given,
  world: World,
  controller: Controller,
): Promise<Forward> {
  const address = given.text("api-addr");
  if (address) {
    if (!/^.+:\d+$/.test(address)) {
      throw new Problem(
        "config.invalid",
        `Cannot use --api-addr "${address}": expected host:port`,
      );
    }
    return { url: `http://${address}`, close: () => Promise.resolve() };
  }
  const namespace = readNamespace(given, world);
  const { openCluster } = await import("../cluster/open.ts");
  const cluster = await openCluster(given, world);
  const name = given.text("destination-pod");
  const pod = name
    ? { namespace, name }
    : await findController(cluster, namespace);
  return await cluster.forward(pod, PORTS[controller]);
}

/** The first running pod of a program of the control plane. Throws `connect.failed` when there is none. */
export async function findController(
  cluster: Cluster,
  namespace: string,
  name = NAME,
): Promise<PodName> {
  const { findWorkload } = await import("../workload/pods.ts");
  const workload = { kind: DEPLOYMENT, name };
  const { pods } = await findWorkload(cluster, namespace, workload).catch(
    (thrown: unknown) => {
      if (thrown instanceof ApiError && thrown.status === 404) {
        return { pods: [] };
      }
      throw thrown;
    },
  );
  const pod = pods.find(({ status }) => status?.phase === "Running");
  if (pod !== undefined) return { namespace, name: pod.metadata.name };
  throw new Problem("connect.failed", `no running pods found for ${name}`, {
    hint:
      `Is the control plane in namespace "${namespace}"? Say which with -L, or ask one elsewhere with --api-addr.`,
  });
}
