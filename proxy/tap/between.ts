import type { Peer } from "../endpoint.ts";
import type { TlsStatus } from "../record/labels.ts";
import {
  encodeDestination,
  encodeRoute,
  encodeSource,
} from "../wire/tap-event.ts";
import type { Labels } from "./event.ts";
import type { Sight } from "./sight.ts";

/** Parts of events, made once for as long as a connection, an endpoint or a route lasts: they are most of an event. */
const parts = new WeakMap<object, Uint8Array>();

/** What the events of a request have in common: between whom it goes, and by which route. */
export function encodeBetween(
  sight: Sight,
  peer: Peer,
  routeLabels: Labels | null,
): Uint8Array[] {
  const made = [
    partOf(
      sight,
      ({ direction, source: address, tls }) =>
        encodeSource({ direction, address, labels: tlsOf(tls) }),
    ),
    partOf(peer, ({ address, labels, tls }) =>
      encodeDestination({
        address,
        labels: labels === null ? null : { ...labels, ...tlsOf(tls) },
      })),
  ];
  if (routeLabels !== null) made.push(partOf(routeLabels, encodeRoute));
  return made;
}

function partOf<T extends object>(
  of: T,
  encode: (of: T) => Uint8Array,
): Uint8Array {
  let part = parts.get(of);
  if (part === undefined) {
    part = encode(of);
    parts.set(of, part);
  }
  return part;
}

/** As Linkerd's taps have it: a reason stands in the place of `true`. */
function tlsOf(tls: TlsStatus): Labels {
  switch (tls.kind) {
    case "accepted":
      return tls.clientId === null
        ? { tls: "true" }
        : { tls: "true", client_id: tls.clientId };
    case "dialled":
      return { tls: "true", server_id: tls.serverId };
    case "none":
      return { tls: tls.reason };
    case "opaque":
      return { tls: "passthru", sni: tls.sni };
    case "disabled":
      return { tls: "disabled" };
  }
}
