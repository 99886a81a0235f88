import type { SocketAddress } from "../../schemas/address.ts";
import type { Peer } from "../endpoint.ts";
import type { Field } from "../http/field.ts";
import type { RequestHead } from "../http/message.ts";
import type { TlsStatus } from "../record/labels.ts";
import { encodeBetween } from "./between.ts";
import type { Labels } from "./event.ts";
import type { Matched } from "./match.ts";
import { Tapped } from "./tapped.ts";
import type { Taps } from "./taps.ts";

/** From where requests of a connection can be seen. */
export interface Sight {
  readonly taps: Taps;
  readonly direction: "inbound" | "outbound";
  /** Null: not known. */
  readonly source: SocketAddress | null;
  /** How the source's connection is protected. */
  readonly tls: TlsStatus;
}

/** How an application's own connection to its proxy is protected. */
export const FROM_HERE: TlsStatus = { kind: "none", reason: "loopback" };

/** Shows a request, as an endpoint gets it, to the taps that are for it; null: there are none. */
export function tapRequest(
  sight: Sight,
  head: RequestHead,
  peer: Peer,
  routeLabels: Labels | null,
  grpc: boolean,
): Tapped | null {
  const matched = matchedBy(sight, head, peer, routeLabels);
  const entered = sight.taps.enter(matched);
  if (entered.length === 0) return null;
  const between = encodeBetween(sight, peer, routeLabels);
  return new Tapped(entered, between, matched, head, grpc);
}

function matchedBy(
  { source }: Sight,
  { method, scheme, authority, host, path }: RequestHead,
  peer: Peer,
  routeLabels: Labels | null,
): Matched {
  const asked = authority ?? host;
  const [withoutQuery = ""] = textOf(path).split("?", 1);
  return {
    source,
    destination: peer.address,
    destinationLabels: peer.labels,
    routeLabels,
    scheme: scheme?.text ?? "http",
    method: method.text,
    authority: asked === null ? null : textOf(asked),
    path: withoutQuery,
  };
}

const ASCII = /^[\0-\x7f]*$/;
const utf8 = new TextDecoder();

function textOf(field: Field): string {
  const { text } = field;
  return ASCII.test(text) ? text : utf8.decode(field.value);
}
