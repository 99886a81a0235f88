import type {
  Authorization,
  InboundGrpcRoute,
  InboundHttpRoute,
  RateLimit,
  ServerPolicy,
  ServerProtocol,
} from "../../schemas/policy.ts";
import {
  emptyLabels,
  type Notices,
  readDuration,
  readLabel,
} from "./common.ts";
import { readRateLimit } from "./rate-limit.ts";
import { decode, type Reader } from "./reader.ts";
import { metaOfLabels, readAuthorization } from "./server-authorization.ts";
import { readGrpcRoute, readHttpRoute } from "./server-route.ts";
import { Writer } from "./writer.ts";

/** Detection time when a policy names none (Linkerd's controller always sends 10 s). */
export const DEFAULT_DETECT_TIMEOUT_MS = 10_000;

/** `inbound.PortSpec`: which port of which workload. */
export function encodePortSpec(
  workload: string,
  port: number,
): Uint8Array<ArrayBuffer> {
  return new Writer().string(1, workload).uint32(2, port).finish();
}

/**
 * An `inbound.Server`. It fails closed: an authorization that is not understood to the last field permits nobody, and
 * under a protocol of an unknown kind nothing passes, as under `deny`. What was not understood is named in `notices`.
 */
export function decodeServerPolicy(
  bytes: Uint8Array,
  notices: Notices,
): ServerPolicy {
  return decode(bytes, (reader) => {
    let protocol: ServerProtocol | null = null;
    const authorizations: Authorization[] = [];
    const labels = emptyLabels();
    while (reader.next()) {
      if (reader.field === 1) {
        protocol = reader.message((at) => readProtocol(at, notices));
      } else if (reader.field === 3) {
        const authorization = reader.message(readAuthorization);
        if (authorization !== null) authorizations.push(authorization);
        else notices.add("authorization left out: of a kind not known here");
      } else if (reader.field === 4) readLabel(reader, labels);
      else reader.skip();
    }
    const meta = metaOfLabels(labels);
    if (protocol !== null) return { protocol, authorizations, meta };
    notices.add(
      "port closed: its protocol is of a kind not known here, use a control plane no newer than the proxy",
    );
    return { protocol: { kind: "opaque" }, authorizations: [], meta };
  });
}

/** The one kind that is set; null when it is not known here. */
function readProtocol(reader: Reader, notices: Notices): ServerProtocol | null {
  let protocol: ServerProtocol | null = null;
  while (reader.next()) {
    const kind = KINDS[reader.field];
    if (kind === undefined) return null;
    protocol = reader.message((at) => readKind(at, kind, notices));
  }
  return protocol;
}

const KINDS: Readonly<Record<number, ServerProtocol["kind"]>> = {
  1: "detect",
  2: "opaque",
  3: "tls",
  4: "http1",
  5: "http2",
  6: "grpc",
};

function readKind(
  reader: Reader,
  kind: ServerProtocol["kind"],
  notices: Notices,
): ServerProtocol {
  switch (kind) {
    case "opaque":
    case "tls":
      return { kind };
    case "grpc":
      return { kind, ...readGrpcServer(reader, notices) };
    case "http1":
    case "http2": {
      const { routes, rateLimit } = readHttpServer(reader, 2, notices);
      return { kind, ...routes, ...rateLimit };
    }
    case "detect": {
      const { timeoutMs, routes, rateLimit } = readHttpServer(
        reader,
        3,
        notices,
      );
      return { kind, timeoutMs, ...routes, ...rateLimit };
    }
  }
}

/** `Detect`, `Http1` or `Http2`; the rate limit is in the field behind the routes, and only `Detect` has a time. */
function readHttpServer(
  reader: Reader,
  routesField: 2 | 3,
  notices: Notices,
): {
  readonly timeoutMs: number;
  readonly routes: { readonly routes?: InboundHttpRoute[] };
  readonly rateLimit: { readonly rateLimit?: RateLimit };
} {
  let timeoutMs = DEFAULT_DETECT_TIMEOUT_MS;
  let rateLimit: RateLimit | null = null;
  const routes: InboundHttpRoute[] = [];
  while (reader.next()) {
    if (reader.field === 1 && routesField === 3) {
      timeoutMs = reader.message(readDuration);
    } else if (reader.field === routesField) {
      routes.push(reader.message((at) => readHttpRoute(at, notices)));
    } else if (reader.field === routesField + 1) {
      rateLimit = reader.message(readRateLimit);
    } else reader.skip();
  }
  // None on the wire is the default route: a policy that has routes of its own names them all.
  return {
    timeoutMs,
    routes: routes.length === 0 ? {} : { routes },
    rateLimit: rateLimit === null ? {} : { rateLimit },
  };
}

function readGrpcServer(
  reader: Reader,
  notices: Notices,
): { readonly routes?: InboundGrpcRoute[] } {
  const routes: InboundGrpcRoute[] = [];
  while (reader.next()) {
    if (reader.field === 2) {
      routes.push(reader.message((at) => readGrpcRoute(at, notices)));
    } else reader.skip();
  }
  return routes.length === 0 ? {} : { routes };
}
