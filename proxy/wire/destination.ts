import type { SocketAddress } from "../../schemas/address.ts";
import type { Endpoint, Profile } from "../../schemas/destination.ts";
import type { Meta } from "../../schemas/policy.ts";
import type {
  ProfileRoute,
  ProfileTarget,
  RetryBudget,
} from "../../schemas/profile.ts";
import {
  emptyLabels,
  type Notices,
  readLabel,
  readMeta,
  readTcpAddress,
} from "./common.ts";
import { readEndpoint } from "./endpoint.ts";
import { readProfileRoute, readRetryBudget, readTarget } from "./profile.ts";
import { decode, type Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** One step in the life of an endpoint set. */
export type EndpointUpdate =
  | { readonly kind: "add"; readonly endpoints: readonly Endpoint[] }
  | { readonly kind: "remove"; readonly addresses: readonly SocketAddress[] }
  /** The destination has no endpoints, or does not exist at all. */
  | { readonly kind: "none"; readonly exists: boolean }
  /** Of a newer API than ours: nothing changes. */
  | { readonly kind: "unknown" };

/** `destination.GetDestination`: `path` is `host:port`, the context tells the control plane who asks. */
export function encodeGetDestination(
  path: string,
  context: string,
): Uint8Array<ArrayBuffer> {
  return new Writer().string(2, path).string(3, context).finish();
}

/** A `destination.Update`; endpoints that cannot be used safely are left out and named in `notices`. */
export function decodeUpdate(
  bytes: Uint8Array,
  notices: Notices,
): EndpointUpdate {
  return decode(bytes, (reader) => {
    let update: EndpointUpdate = { kind: "unknown" };
    while (reader.next()) {
      if (reader.field === 1) {
        update = reader.message((at) => readAdd(at, notices));
      } else if (reader.field === 2) update = reader.message(readRemove);
      else if (reader.field === 3) update = reader.message(readNone);
      else reader.skip();
    }
    return update;
  });
}

function readAdd(reader: Reader, notices: Notices): EndpointUpdate {
  const shared = emptyLabels();
  const endpoints: Endpoint[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      const endpoint = reader.message(readEndpoint);
      if (endpoint !== null) endpoints.push(endpoint);
      else {
        notices.add(
          "endpoint left out: its address or the identity it demands is unusable",
        );
      }
    } else if (reader.field === 2) readLabel(reader, shared);
    else reader.skip();
  }
  return {
    kind: "add",
    endpoints: endpoints.map((endpoint) => ({
      ...endpoint,
      labels: Object.assign(emptyLabels(), shared, endpoint.labels),
    })),
  };
}

function readRemove(reader: Reader): EndpointUpdate {
  const addresses: SocketAddress[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      const address = reader.message(readTcpAddress);
      if (address !== null) addresses.push(address);
    } else reader.skip();
  }
  return { kind: "remove", addresses };
}

function readNone(reader: Reader): EndpointUpdate {
  let exists = false;
  while (reader.next()) {
    if (reader.field === 1) exists = reader.bool();
    else reader.skip();
  }
  return { kind: "none", exists };
}

/** A `destination.DestinationProfile`; what of it cannot be used is left out and named in `notices`. */
export function decodeProfile(bytes: Uint8Array, notices: Notices): Profile {
  return decode(bytes, (reader) => {
    let fullyQualifiedName = "";
    let opaque = false;
    let endpoint: Endpoint | null = null;
    let retryBudget: RetryBudget | null = null;
    let parent: Meta | null = null;
    let profile: Meta | null = null;
    const routes: ProfileRoute[] = [];
    const targets: ProfileTarget[] = [];
    let isRouted = false;
    while (reader.next()) {
      switch (reader.field) {
        case 1: {
          isRouted = true;
          const route = reader.message((at) => readProfileRoute(at, notices));
          if (route !== null) routes.push(route);
          break;
        }
        case 2:
          retryBudget = reader.message((at) => readRetryBudget(at, notices));
          break;
        case 3:
          isRouted = true;
          targets.push(reader.message(readTarget));
          break;
        case 4:
          opaque = reader.bool();
          break;
        case 5:
          fullyQualifiedName = reader.string();
          break;
        case 6:
          endpoint = reader.message(readEndpoint);
          break;
        case 7:
          parent = reader.message(readMeta);
          break;
        case 8:
          profile = reader.message(readMeta);
          break;
        default:
          reader.skip();
      }
    }
    const routing = isRouted && fullyQualifiedName !== ""
      ? { routes, retryBudget, targets, parent, profile }
      : null;
    return { fullyQualifiedName, opaque, endpoint, routing };
  });
}
