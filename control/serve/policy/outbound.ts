import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type {
  ClientPolicy,
  ClientProtocol,
  OpaqueRoute,
  TcpFilter,
  TcpRule,
  TlsRoute,
} from "../../../schemas/client-policy.ts";
import {
  type OpaqueRouteSchema,
  type OutboundPolicy,
  OutboundPolicySchema,
  type ProxyProtocolSchema,
  type TlsRouteSchema,
} from "../../../schemas/proto/gen/outbound_pb.ts";
import { toDuration } from "../destination/message.ts";
import { toAccrual } from "./accrual.ts";
import { toDistribution } from "./backend.ts";
import { toGrpcRoute, toHttpRoute } from "./client-route.ts";
import { toMetadata } from "./meta.ts";
import { toHost } from "./route.ts";

/** Messages of policies that are still the same: all proxies that call one target are sent one. */
const known = new WeakMap<ClientPolicy, OutboundPolicy>();

/** How to call a target, as proxies read it. */
export function toOutboundPolicy(policy: ClientPolicy): OutboundPolicy {
  const last = known.get(policy);
  if (last !== undefined) return last;
  const message = create(OutboundPolicySchema, {
    metadata: toMetadata(policy.parent),
    protocol: toProtocol(policy.protocol),
  });
  known.set(policy, message);
  return message;
}

function toProtocol(
  protocol: ClientProtocol,
): MessageInitShape<typeof ProxyProtocolSchema> {
  switch (protocol.kind) {
    case "detect": {
      const http = toHttp(protocol.http);
      const value = {
        timeout: toDuration(protocol.timeoutMs),
        opaque: { routes: [toOpaqueRoute(protocol.opaque)] },
        http1: http,
        http2: http,
      };
      return { kind: { case: "detect", value } };
    }
    case "http1":
    case "http2":
      return { kind: { case: protocol.kind, value: toHttp(protocol.http) } };
    case "grpc": {
      const { routes, accrual } = protocol.grpc;
      const value = { routes: routes.map(toGrpcRoute), ...toAccrual(accrual) };
      return { kind: { case: "grpc", value } };
    }
    case "opaque": {
      const routes = [toOpaqueRoute(protocol.opaque)];
      return { kind: { case: "opaque", value: { routes } } };
    }
    case "tls": {
      const routes = protocol.tls.map(toTlsRoute);
      return { kind: { case: "tls", value: { routes } } };
    }
  }
}

function toHttp(
  { routes, accrual }: (ClientProtocol & { readonly kind: "http1" })["http"],
) {
  return { routes: routes.map(toHttpRoute), ...toAccrual(accrual) };
}

function toOpaqueRoute(
  { meta, rule }: OpaqueRoute,
): MessageInitShape<typeof OpaqueRouteSchema> {
  return { metadata: toMetadata(meta), rules: toRules(rule) };
}

function toTlsRoute(
  { meta, snis, rule }: TlsRoute,
): MessageInitShape<typeof TlsRouteSchema> {
  return {
    metadata: toMetadata(meta),
    snis: snis.map(toHost),
    rules: toRules(rule),
  };
}

function toRules(rule: TcpRule | null) {
  return rule === null ? [] : [{
    backends: toDistribution(rule.backends, toFilter),
    filters: rule.filters.map(toFilter),
  }];
}

/** The form that messages of both kinds of routes share. */
interface FilterMessage {
  readonly kind:
    | { readonly case: "forbidden"; readonly value: Record<string, never> }
    | {
      readonly case: "invalid";
      readonly value: { readonly message: string };
    };
}

function toFilter(filter: TcpFilter): FilterMessage {
  switch (filter.kind) {
    case "forbidden":
      return { kind: { case: "forbidden", value: {} } };
    case "invalid": {
      const { message } = filter;
      return { kind: { case: "invalid", value: { message } } };
    }
  }
}
