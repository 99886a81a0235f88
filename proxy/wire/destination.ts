import type { SocketAddress } from "../../schemas/address.ts";
import type { Endpoint, Profile } from "../../schemas/destination.ts";
import {
  emptyLabels,
  type Notices,
  readLabel,
  readTcpAddress,
} from "./common.ts";
import { readEndpoint } from "./endpoint.ts";
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

/** A `destination.DestinationProfile`; of service-profile features only those of `Profile` are kept. */
export function decodeProfile(bytes: Uint8Array, notices: Notices): Profile {
  return decode(bytes, (reader) => {
    let fullyQualifiedName = "";
    let opaque = false;
    let endpoint: Endpoint | null = null;
    let routes = 0;
    let overrides = 0;
    while (reader.next()) {
      switch (reader.field) {
        case 4:
          opaque = reader.bool();
          break;
        case 5:
          fullyQualifiedName = reader.string();
          break;
        case 6:
          endpoint = reader.message(readEndpoint);
          break;
        case 1:
          routes++;
          reader.skip();
          break;
        case 3:
          overrides++;
          reader.skip();
          break;
        default:
          reader.skip();
      }
    }
    if (routes + overrides > 0) {
      notices.add(
        `service profile of ${fullyQualifiedName} not used: ${routes} routes and ${overrides} traffic splits are not supported yet`,
      );
    }
    return { fullyQualifiedName, opaque, endpoint, routing: null };
  });
}
