import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Backend, ClientRoute } from "../../../schemas/policy.ts";
import {
  type BackendSchema,
  type HttpRoute_RuleSchema,
  type HttpRouteSchema,
  type OpaqueRoute_RuleSchema,
  type OpaqueRouteSchema,
  type OutboundPolicy,
  OutboundPolicySchema,
  type ProxyProtocolSchema,
} from "../../../schemas/proto/gen/outbound_pb.ts";
import type { ClientPolicyAnswer } from "../../views.ts";
import { toDuration, toWeightedAddr } from "../destination/message.ts";
import { toMetadata } from "./meta.ts";

/** Requests that wait for a backend to become ready, and for how long (fixed in Linkerd's policy controller). */
const QUEUE = { capacity: 100, failfastTimeout: { seconds: 3n } } as const;

type HttpRoute = MessageInitShape<typeof HttpRouteSchema>;
type HttpRule = MessageInitShape<typeof HttpRoute_RuleSchema>;
type OpaqueRule = MessageInitShape<typeof OpaqueRoute_RuleSchema>;
type OpaqueRoute = MessageInitShape<typeof OpaqueRouteSchema>;

/** How to call a target, as proxies read it. */
export function toOutboundPolicy(
  { parent, protocol }: ClientPolicyAnswer,
): OutboundPolicy {
  return create(OutboundPolicySchema, {
    metadata: toMetadata(parent),
    protocol: toProtocol(protocol),
  });
}

function toProtocol(
  protocol: ClientPolicyAnswer["protocol"],
): MessageInitShape<typeof ProxyProtocolSchema> {
  switch (protocol.kind) {
    case "detect": {
      const http = { routes: [toHttpRoute(protocol.http)] };
      return {
        kind: {
          case: "detect",
          value: {
            timeout: toDuration(protocol.timeoutMs),
            opaque: { routes: [toOpaqueRoute(protocol.opaque)] },
            http1: http,
            http2: http,
          },
        },
      };
    }
    case "http1":
    case "http2": {
      const routes = [toHttpRoute(protocol.http)];
      return { kind: { case: protocol.kind, value: { routes } } };
    }
    case "opaque": {
      const routes = [toOpaqueRoute(protocol.opaque)];
      return { kind: { case: "opaque", value: { routes } } };
    }
  }
}

function toHttpRoute({ meta, outcome }: ClientRoute): HttpRoute {
  return { metadata: toMetadata(meta), rules: [toHttpRule(outcome)] };
}

/** HTTP has no filter that refuses; a failure injected into every request says the same. */
function toHttpRule(outcome: ClientRoute["outcome"]): HttpRule {
  const rule: HttpRule = {
    matches: [{ path: { kind: { case: "prefix", value: "/" } } }],
  };
  if (outcome.kind === "backend") {
    return { ...rule, backends: only(outcome.backend) };
  }
  const value = {
    status: outcome.kind === "forbidden" ? 403 : 500,
    message: outcome.message,
  };
  return {
    ...rule,
    backends: NOWHERE,
    filters: [{ kind: { case: "failureInjector", value } }],
  };
}

function toOpaqueRoute({ meta, outcome }: ClientRoute): OpaqueRoute {
  return { metadata: toMetadata(meta), rules: [toOpaqueRule(outcome)] };
}

function toOpaqueRule(outcome: ClientRoute["outcome"]): OpaqueRule {
  switch (outcome.kind) {
    case "backend":
      return { backends: only(outcome.backend) };
    case "forbidden":
      return {
        backends: NOWHERE,
        filters: [{ kind: { case: "forbidden", value: {} } }],
      };
    case "invalid": {
      const { message } = outcome;
      return {
        backends: NOWHERE,
        filters: [{ kind: { case: "invalid", value: { message } } }],
      };
    }
  }
}

const NOWHERE = { kind: { case: "empty", value: {} } } as const;

function only(backend: Backend) {
  const backends = [{ backend: toBackend(backend) }];
  return { kind: { case: "firstAvailable" as const, value: { backends } } };
}

function toBackend(
  backend: Backend,
): MessageInitShape<typeof BackendSchema> {
  return {
    metadata: toMetadata(backend.meta),
    queue: QUEUE,
    kind: backend.kind === "forward"
      ? { case: "forward", value: toWeightedAddr(backend.endpoint) }
      : {
        case: "balancer",
        value: {
          discovery: { kind: { case: "dst", value: { path: backend.path } } },
          load: {
            case: "peakEwma",
            value: {
              defaultRtt: toDuration(backend.load.defaultRttMs),
              decay: toDuration(backend.load.decayMs),
            },
          },
        },
      },
  };
}
