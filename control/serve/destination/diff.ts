import type { Endpoint, EndpointSet } from "../../../schemas/destination.ts";
import type { Update } from "../../../schemas/proto/gen/destination_pb.ts";
import {
  type EndpointsAnswer,
  type ObjectName,
  sameEndpoint,
} from "../../views.ts";
import { addMessage, noEndpointsMessage, removeMessage } from "./message.ts";

const EMPTY: EndpointSet = new Map();

/**
 * The messages that bring a proxy from one answer to the next; from null, the first of a stream. Addresses are told
 * apart by `ip:port` alone, so an object replaced by another at the same address is one changed address and never an
 * addition followed by a removal of it (docs/decisions/0021).
 */
export function updatesBetween(
  before: EndpointsAnswer | null,
  now: EndpointsAnswer,
  service: ObjectName,
): Update[] {
  const old = before?.kind === "known" ? before.endpoints : EMPTY;
  const next = now.kind === "known" ? now.endpoints : EMPTY;
  if (next.size === 0) {
    const wasEmpty = before !== null && old.size === 0;
    const saidSo = wasEmpty && before.kind === now.kind;
    return saidSo ? [] : [noEndpointsMessage(now.kind === "known")];
  }
  const added: Endpoint[] = [];
  for (const [key, endpoint] of next) {
    if (!sameEndpoint(endpoint, old.get(key))) added.push(endpoint);
  }
  const removed: Endpoint[] = [];
  for (const [key, endpoint] of old) {
    if (!next.has(key)) removed.push(endpoint);
  }
  return [
    ...added.length === 0 ? [] : [addMessage(added, service)],
    ...removed.length === 0 ? [] : [removeMessage(removed)],
  ];
}
