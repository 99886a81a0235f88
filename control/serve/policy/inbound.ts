import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type {
  HttpServer,
  RateLimit,
  ServerPolicy,
  ServerProtocol,
} from "../../../schemas/policy.ts";
import {
  type HttpLocalRateLimitSchema,
  type ProxyProtocolSchema,
  type Server,
  ServerSchema,
} from "../../../schemas/proto/gen/inbound_pb.ts";
import { toDuration } from "../destination/message.ts";
import { toAuthz } from "./authorization.ts";
import { toGrpcRoute, toHttpRoute } from "./inbound-route.ts";
import { toMetadata } from "./meta.ts";

type Protocol = MessageInitShape<typeof ProxyProtocolSchema>;
type Limit = MessageInitShape<typeof HttpLocalRateLimitSchema>;

/** Who may call a port and what is spoken there, as proxies read it. */
export function toServer(policy: ServerPolicy): Server {
  return create(ServerSchema, {
    protocol: toProtocol(policy.protocol),
    authorizations: policy.authorizations.map(toAuthz),
    labels: { ...policy.meta },
  });
}

function toProtocol(protocol: ServerProtocol): Protocol {
  switch (protocol.kind) {
    case "detect": {
      const { routes, limit } = toHttp(protocol);
      const timeout = toDuration(protocol.timeoutMs);
      const httpLocalRateLimit = limit;
      const value = {
        timeout,
        httpRoutes: routes,
        ...limit && { httpLocalRateLimit },
      };
      return { kind: { case: "detect", value } };
    }
    case "http1":
    case "http2": {
      const { routes, limit } = toHttp(protocol);
      const value = { routes, ...limit && { localRateLimit: limit } };
      return { kind: { case: protocol.kind, value } };
    }
    case "grpc": {
      const routes = (protocol.routes ?? []).map(toGrpcRoute);
      return { kind: { case: "grpc", value: { routes } } };
    }
    case "opaque":
    case "tls":
      return { kind: { case: protocol.kind, value: {} } };
  }
}

function toHttp({ routes = [], rateLimit }: HttpServer) {
  return {
    routes: routes.map(toHttpRoute),
    limit: rateLimit === undefined ? undefined : toLimit(rateLimit),
  };
}

function toLimit(
  { meta, totalPerSecond, identityPerSecond, overrides }: RateLimit,
): Limit {
  return {
    metadata: toMetadata(meta),
    ...totalPerSecond === null ? {} : {
      total: { requestsPerSecond: totalPerSecond },
    },
    ...identityPerSecond === null ? {} : {
      identity: { requestsPerSecond: identityPerSecond },
    },
    overrides: overrides.map(({ perSecond, identities }) => ({
      limit: { requestsPerSecond: perSecond },
      clients: { identities: [...identities].map((name) => ({ name })) },
    })),
  };
}
