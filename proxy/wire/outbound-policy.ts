import type { SocketAddress } from "../../schemas/address.ts";
import type {
  ClientPolicy,
  ClientProtocol,
  ClientRoutes,
  FailureAccrual,
  HttpRoute,
} from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import { Problem } from "../../schemas/problem.ts";
import {
  type Notices,
  readDuration,
  readMeta,
  writeTcpAddress,
} from "./common.ts";
import { readAccrual } from "./outbound-accrual.ts";
import { readGrpcRoute, readHttpRoute } from "./outbound-route.ts";
import { NO_OPAQUE_ROUTE, readOpaque, readTls } from "./outbound-tcp.ts";
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
 * An `outbound.OutboundPolicy`. What is not known here widens nothing (decision 131): requests fail that a match, host or
 * filter of an unknown kind is about. That, and what is left out, is named in `notices`. A protocol of an unknown kind
 * throws `protocol.invalid`.
 */
export function decodeOutboundPolicy(
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
    opaque: readOpaque(reader, notices),
  }),
  3: (reader, notices) => ({ kind: "http1", http: readHttp(reader, notices) }),
  4: (reader, notices) => ({ kind: "http2", http: readHttp(reader, notices) }),
  5: (reader, notices) => ({
    kind: "grpc",
    grpc: readRoutes(reader, readGrpcRoute, notices),
  }),
  6: (reader, notices) => ({ kind: "tls", tls: readTls(reader, notices) }),
};

/** Controllers send the same routes for both HTTP versions (facts 3.3), so those of HTTP/1 stand for both. */
function readDetect(reader: Reader, notices: Notices): ClientProtocol {
  let timeoutMs = DEFAULT_DETECT_TIMEOUT_MS;
  let opaque = NO_OPAQUE_ROUTE;
  let http1: ClientRoutes<HttpRoute> | null = null;
  let http2: ClientRoutes<HttpRoute> | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        timeoutMs = reader.message(readDuration);
        break;
      case 2:
        opaque = reader.message((at) => readOpaque(at, notices));
        break;
      case 3:
        http1 = reader.message((at) => readHttp(at, notices));
        break;
      case 4:
        http2 = reader.message((at) => readHttp(at, notices));
        break;
      default:
        reader.skip();
    }
  }
  const http = http1 ?? http2 ?? { routes: [], accrual: null };
  return { kind: "detect", timeoutMs, opaque, http };
}

function readHttp(reader: Reader, notices: Notices): ClientRoutes<HttpRoute> {
  return readRoutes(reader, readHttpRoute, notices);
}

/** `Http1`, `Http2` or `Grpc`. */
function readRoutes<R>(
  reader: Reader,
  readRoute: (reader: Reader, notices: Notices) => R,
  notices: Notices,
): ClientRoutes<R> {
  const routes: R[] = [];
  let accrual: FailureAccrual | null = null;
  while (reader.next()) {
    if (reader.field === 1) {
      routes.push(reader.message((at) => readRoute(at, notices)));
    } else if (reader.field === 2) {
      accrual = reader.message((at) => readAccrual(at, notices));
    } else reader.skip();
  }
  return { routes, accrual };
}
