import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import {
  InboundServerPolicies,
  type PortSpec,
  type Server,
} from "../../schemas/proto/gen/inbound_pb.ts";
import {
  OutboundPolicies,
  type OutboundPolicy,
  type TrafficSpec,
} from "../../schemas/proto/gen/outbound_pb.ts";
import type { ClientPolicyQuery, ServerPolicyQuery } from "../views.ts";
import type { World } from "../world.ts";
import { toServer } from "./policy/inbound.ts";
import { toOutboundPolicy } from "./policy/outbound.ts";
import {
  parseTarget,
  parseWorkload,
  parseWorkloadNamespace,
} from "./policy/request.ts";

/** Registers `OutboundPolicies` (how to call) and `InboundServerPolicies` (who may call). */
export function policyRoutes(world: World): (router: ConnectRouter) => void {
  return (router) => {
    router.service(OutboundPolicies, {
      get: (spec) => clientPolicy(world, targetOf(world, spec)),
      watch: (spec, { signal }) => clientPolicies(world, spec, signal),
    });
    router.service(InboundServerPolicies, {
      getPort: (spec) => serverPolicy(world, portOf(spec)),
      watchPort: (spec, { signal }) => serverPolicies(world, spec, signal),
    });
  };
}

function clientPolicy(world: World, query: ClientPolicyQuery): OutboundPolicy {
  const policy = world.clientPolicies.read(query);
  if (policy === null) throw unknownTarget();
  return toOutboundPolicy(policy);
}

/** Ends when the target is no longer known: the proxy asks again and is then told so. */
async function* clientPolicies(
  world: World,
  spec: TrafficSpec,
  signal: AbortSignal,
): AsyncGenerator<OutboundPolicy> {
  const query = targetOf(world, spec);
  let isFirst = true;
  for await (const policy of world.clientPolicies.watch(query, signal)) {
    if (policy === null && isFirst) throw unknownTarget();
    if (policy === null) return;
    isFirst = false;
    yield toOutboundPolicy(policy);
  }
}

function serverPolicy(world: World, query: ServerPolicyQuery): Server {
  const policy = world.serverPolicies.read(query);
  if (policy === null) throw unknownWorkload(query);
  return toServer(policy);
}

/** Ends when the workload is gone. */
async function* serverPolicies(
  world: World,
  spec: PortSpec,
  signal: AbortSignal,
): AsyncGenerator<Server> {
  const query = portOf(spec);
  let isFirst = true;
  for await (const policy of world.serverPolicies.watch(query, signal)) {
    if (policy === null && isFirst) throw unknownWorkload(query);
    if (policy === null) return;
    isFirst = false;
    yield toServer(policy);
  }
}

function targetOf(
  { settings }: World,
  { sourceWorkload, target }: TrafficSpec,
): ClientPolicyQuery {
  const client = parseWorkloadNamespace(sourceWorkload);
  const query = parseTarget(target, client, settings.clusterDomain);
  if (query === null) throw unknownTarget();
  if (query !== "invalid") return query;
  throw new ConnectError(
    "Cannot read target: expected an IP address and a port from 1 to 65535",
    Code.InvalidArgument,
  );
}

function portOf({ workload, port }: PortSpec): ServerPolicyQuery {
  if (port < 1 || port > 65535) {
    throw new ConnectError(
      `Cannot read port ${port}: expected 1 to 65535`,
      Code.InvalidArgument,
    );
  }
  const name = parseWorkload(workload);
  if (name !== "invalid") return { ...name, port };
  throw new ConnectError(
    `Cannot read workload "${workload}": expected <namespace>:<pod>, {"ns","pod"} or {"ns","external_workload"}`,
    Code.InvalidArgument,
  );
}

function unknownTarget(): ConnectError {
  return new ConnectError("No such target in the cluster", Code.NotFound);
}

function unknownWorkload(query: ServerPolicyQuery): ConnectError {
  const [what, { namespace, name }] = "pod" in query
    ? ["pod", query.pod]
    : ["external workload", query.external];
  return new ConnectError(
    `No such ${what}: ${namespace}/${name}`,
    Code.NotFound,
  );
}
