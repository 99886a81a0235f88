import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import {
  Destination,
  type DestinationProfile,
  type GetDestination,
  type Update,
} from "../../schemas/proto/gen/destination_pb.ts";
import type { EndpointsAnswer } from "../views.ts";
import type { World } from "../world.ts";
import { parseAuthority } from "./destination/authority.ts";
import { updatesBetween } from "./destination/diff.ts";
import { toProfile } from "./destination/profile.ts";
import { parseToken } from "./destination/token.ts";

/** Registers `io.linkerd.proxy.destination.Destination`: who serves a name, and what an address is. */
export function destinationRoutes(
  world: World,
): (router: ConnectRouter) => void {
  return (router) => {
    router.service(Destination, {
      get: (request, { signal }) => streamEndpoints(world, request, signal),
      getProfile: (request, { signal }) =>
        streamProfiles(world, request, signal),
    });
  };
}

async function* streamEndpoints(
  { endpoints, settings }: World,
  { path, contextToken }: GetDestination,
  signal: AbortSignal,
): AsyncGenerator<Update> {
  const target = parseAuthority(path, settings.clusterDomain);
  // Final for a proxy: it then forwards to the original address.
  if (target.kind !== "service" && target.kind !== "import") {
    throw invalidAuthority(path);
  }
  const { kind, service, hostname, port } = target;
  const { nodeName } = parseToken(contextToken);
  const query = { kind, service, hostname, port, nodeName };
  let sent: EndpointsAnswer | null = null;
  for await (const answer of endpoints.watch(query, signal)) {
    if (answer.kind === "external") throw invalidAuthority(path);
    if (answer.kind === "absent" && sent === null) throw notFound(path);
    yield* updatesBetween(sent, answer, service);
    sent = answer;
  }
}

async function* streamProfiles(
  { profiles, settings }: World,
  { path, contextToken }: GetDestination,
  signal: AbortSignal,
): AsyncGenerator<DestinationProfile> {
  const target = parseAuthority(path, settings.clusterDomain);
  if (target.kind === "invalid") throw invalidAuthority(path);
  // What is said of a ServiceImport is said in its client policy.
  if (target.kind === "import") throw notFound(path);
  const clientNamespace = parseToken(contextToken).namespace;
  const query = { ...target, clientNamespace };
  for await (const answer of profiles.watch(query, signal)) {
    switch (answer.kind) {
      case "absent":
        throw notFound(path);
      case "external":
        throw invalidAuthority(path);
      case "ambiguous":
        throw new ConnectError(
          `Cannot tell what ${path} is: claimed by ${answer.claims.join(", ")}`,
          Code.FailedPrecondition,
        );
      default:
        yield toProfile(answer, settings.clusterDomain);
    }
  }
}

/** In the words that Linkerd's own tests look for. */
function invalidAuthority(path: string): ConnectError {
  return new ConnectError(
    `Invalid authority: ${path}`,
    Code.InvalidArgument,
  );
}

function notFound(path: string): ConnectError {
  return new ConnectError(`No such service: ${path}`, Code.NotFound);
}
