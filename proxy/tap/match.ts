import {
  contains,
  type Network,
  parseIp,
  type SocketAddress,
} from "../../schemas/address.ts";
import type { Labels } from "./event.ts";

/** Which requests a tap is for. */
export type Match =
  | { readonly kind: "all" | "any"; readonly matches: readonly Match[] }
  | { readonly kind: "not"; readonly match: Match }
  | { readonly kind: "network"; readonly of: End; readonly network: Network }
  /** Both included. */
  | {
    readonly kind: "ports";
    readonly of: End;
    readonly first: number;
    readonly last: number;
  }
  | {
    readonly kind: "label";
    readonly of: "destination" | "route";
    readonly name: string;
    readonly value: string;
  }
  | {
    readonly kind: "scheme" | "method";
    readonly value: string;
  }
  | {
    readonly kind: "authority" | "path";
    readonly how: "exact" | "prefix";
    readonly value: string;
  };

/** An end of a request's connection. */
export type End = "source" | "destination";

/** What a request is matched by. */
export interface Matched {
  readonly source: SocketAddress | null;
  readonly destination: SocketAddress;
  readonly destinationLabels: Labels | null;
  readonly routeLabels: Labels | null;
  readonly scheme: string;
  readonly method: string;
  /** Null: it names none. */
  readonly authority: string | null;
  /** Without the query. */
  readonly path: string;
}

/** Whether a request is one that the tap is for. What it does not have matches nothing. */
export function isMatch(match: Match, request: Matched): boolean {
  switch (match.kind) {
    case "all":
      return match.matches.every((one) => isMatch(one, request));
    case "any":
      return match.matches.some((one) => isMatch(one, request));
    case "not":
      return !isMatch(match.match, request);
    case "network": {
      const end = request[match.of];
      const ip = end === null ? null : parseIp(end.ip);
      return ip !== null && contains(match.network, ip);
    }
    case "ports": {
      const end = request[match.of];
      return end !== null && match.first <= end.port && end.port <= match.last;
    }
    case "label": {
      const labels = match.of === "route"
        ? request.routeLabels
        : request.destinationLabels;
      return labels !== null && Object.hasOwn(labels, match.name) &&
        labels[match.name] === match.value;
    }
    case "scheme":
    case "method":
      return request[match.kind] === match.value;
    case "authority":
    case "path": {
      const text = request[match.kind];
      return text !== null &&
        (match.how === "exact"
          ? text === match.value
          : text.startsWith(match.value));
    }
  }
}
