import type { SocketAddress } from "../../schemas/address.ts";
import type {
  ClientPolicy,
  ClientProtocol,
  ClientRoute,
  Meta,
} from "../../schemas/policy.ts";
import { Problem } from "../../schemas/problem.ts";
import {
  describeMeta,
  type Notices,
  readDuration,
  readMeta,
  writeTcpAddress,
} from "./common.ts";
import { readRoute, type RouteKind } from "./client-route.ts";
import { decode, type Reader } from "./reader.ts";
import { DEFAULT_DETECT_TIMEOUT_MS } from "./server-policy.ts";
import { Writer } from "./writer.ts";

/** `outbound.TrafficSpec`: who calls, and whom: an original destination, or a name with port. */
export function encodeTrafficSpec(
  workload: string,
  target: SocketAddress | string,
): Uint8Array<ArrayBuffer> {
  const writer = new Writer().string(1, workload);
  if (typeof target === "string") writer.string(3, target);
  else writer.message(2, (inner) => writeTcpAddress(inner, target));
  return writer.finish();
}

/**
 * An `outbound.OutboundPolicy`. Of its routes the first decides (route matching is not part of this version); what is
 * left out is named in `notices`. A protocol of an unknown kind throws `protocol.invalid`.
 */
export function decodeClientPolicy(
  bytes: Uint8Array,
  notices: Notices,
): ClientPolicy {
  return decode(bytes, (reader) => {
    let parent: Meta = { kind: "default", name: "" };
    let protocol: ClientProtocol | null = null;
    while (reader.next()) {
      if (reader.field === 1) {
        protocol = reader.message((at) => readProtocol(at, notices));
      } else if (reader.field === 2) parent = reader.message(readMeta);
      else reader.skip();
    }
    if (protocol === null) {
      throw new Problem(
        "protocol.invalid",
        "Cannot use client policy: its protocol is of an unknown kind",
        { hint: "use a control plane no newer than the proxy" },
      );
    }
    return { parent, protocol };
  });
}

function readProtocol(reader: Reader, notices: Notices): ClientProtocol | null {
  let protocol: ClientProtocol | null = null;
  while (reader.next()) {
    const read = PROTOCOLS[reader.field];
    if (read === undefined) {
      protocol = null;
      reader.skip();
    } else protocol = reader.message((at) => read(at, notices));
  }
  return protocol;
}

type ReadProtocol = (reader: Reader, notices: Notices) => ClientProtocol;

const PROTOCOLS: Readonly<Record<number, ReadProtocol>> = {
  1: readDetect,
  2: (reader, notices) => ({
    kind: "opaque",
    opaque: readRoutes(reader, "opaque", notices),
  }),
  3: (reader, notices) => ({
    kind: "http1",
    http: readRoutes(reader, "http", notices),
  }),
  4: (reader, notices) => ({
    kind: "http2",
    http: readRoutes(reader, "http", notices),
  }),
  5: (reader, notices) => ({
    kind: "grpc",
    http: readRoutes(reader, "http", notices),
  }),
  6: (reader, notices) => ({
    kind: "tls",
    opaque: readRoutes(reader, "tls", notices),
  }),
};

/** Controllers send the same routes for both HTTP versions (facts 3.3), so those of HTTP/1 stand for both. */
function readDetect(reader: Reader, notices: Notices): ClientProtocol {
  let timeoutMs = DEFAULT_DETECT_TIMEOUT_MS;
  let opaque = NO_ROUTE;
  let http1: ClientRoute | null = null;
  let http2: ClientRoute | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        timeoutMs = reader.message(readDuration);
        break;
      case 2:
        opaque = reader.message((at) => readRoutes(at, "opaque", notices));
        break;
      case 3:
        http1 = reader.message((at) => readRoutes(at, "http", notices));
        break;
      case 4:
        http2 = reader.message((at) => readRoutes(at, "http", notices));
        break;
      default:
        reader.skip();
    }
  }
  return {
    kind: "detect",
    timeoutMs,
    opaque,
    http: http1 ?? http2 ?? NO_ROUTE,
  };
}

const NO_ROUTE: ClientRoute = {
  meta: { kind: "default", name: "none" },
  outcome: { kind: "invalid", message: "the client policy has no route" },
};

/** Any of the messages with routes in field 1 and, for HTTP and gRPC, circuit breaking in field 2. */
function readRoutes(
  reader: Reader,
  kind: RouteKind,
  notices: Notices,
): ClientRoute {
  let first: ClientRoute | null = null;
  while (reader.next()) {
    if (reader.field === 1) {
      if (first === null) {
        first = reader.message((at) => readRoute(at, kind, notices));
      } else {
        reader.skip();
        notices.add("only the first route is used: more are not supported yet");
      }
    } else {
      if (reader.field === 2) {
        notices.add("circuit breaking not applied: not supported yet");
      }
      reader.skip();
    }
  }
  if (kind === "http" && first?.meta.kind === "resource") {
    notices.add(
      `${
        describeMeta(first.meta)
      } takes all requests: matching is not supported yet`,
    );
  }
  return first ?? NO_ROUTE;
}
