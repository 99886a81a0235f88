import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type {
  ClientRule,
  GrpcRoute,
  HttpFilter,
  HttpRoute,
  Retry,
  Timeouts,
} from "../../../schemas/client-policy.ts";
import type { TimeoutsSchema } from "../../../schemas/proto/gen/http_route_pb.ts";
import {
  type GrpcRoute as GrpcRouteMessage,
  type GrpcRoute_RuleSchema,
  GrpcRouteSchema,
  type HttpRoute as HttpRouteMessage,
  type HttpRoute_FilterSchema,
  type HttpRoute_RuleSchema,
  HttpRouteSchema,
} from "../../../schemas/proto/gen/outbound_pb.ts";
import { toDuration } from "../destination/message.ts";
import { toBackOff } from "./accrual.ts";
import { toDistribution } from "./backend.ts";
import { toMetadata } from "./meta.ts";
import {
  toGrpcFilter,
  toGrpcMatch,
  toHeaderChange,
  toHost,
  toHttpMatch,
  toRedirect,
} from "./route.ts";

/** Messages of routes that are still the same, as most are when one of many was edited. */
const knownHttp = new WeakMap<HttpRoute, HttpRouteMessage>();
const knownGrpc = new WeakMap<GrpcRoute, GrpcRouteMessage>();

/** An HTTPRoute for clients, as proxies read it. */
export function toHttpRoute(route: HttpRoute): HttpRouteMessage {
  const last = knownHttp.get(route);
  if (last !== undefined) return last;
  const { meta, hosts, rules } = route;
  const message = create(HttpRouteSchema, {
    metadata: toMetadata(meta),
    hosts: hosts.map(toHost),
    rules: rules.map(toHttpRule),
  });
  knownHttp.set(route, message);
  return message;
}

/** The same of a GRPCRoute. */
export function toGrpcRoute(route: GrpcRoute): GrpcRouteMessage {
  const last = knownGrpc.get(route);
  if (last !== undefined) return last;
  const { meta, hosts, rules } = route;
  const message = create(GrpcRouteSchema, {
    metadata: toMetadata(meta),
    hosts: hosts.map(toHost),
    rules: rules.map(toGrpcRule),
  });
  knownGrpc.set(route, message);
  return message;
}

function toHttpRule(
  rule: HttpRoute["rules"][number],
): MessageInitShape<typeof HttpRoute_RuleSchema> {
  const { matches, filters, backends, retry } = rule;
  return {
    matches: matches.map(toHttpMatch),
    filters: filters.map(toHttpFilter),
    backends: toDistribution(backends, toHttpFilter),
    ...toLimits(rule),
    ...retry === null ? {} : {
      retry: {
        ...toRetry(retry),
        conditions: {
          statusRanges: retry.conditions.map((one) => ({ ...one })),
        },
      },
    },
  };
}

function toGrpcRule(
  rule: GrpcRoute["rules"][number],
): MessageInitShape<typeof GrpcRoute_RuleSchema> {
  const { matches, filters, backends, retry } = rule;
  return {
    matches: matches.map(toGrpcMatch),
    filters: filters.map(toGrpcFilter),
    backends: toDistribution(backends, toGrpcFilter),
    ...toLimits(rule),
    ...retry === null ? {} : {
      retry: { ...toRetry(retry), conditions: toConditions(retry.conditions) },
    },
  };
}

function toHttpFilter(
  filter: HttpFilter,
): MessageInitShape<typeof HttpRoute_FilterSchema> {
  switch (filter.kind) {
    case "request-headers": {
      const value = toHeaderChange(filter);
      return { kind: { case: "requestHeaderModifier", value } };
    }
    case "response-headers": {
      const value = toHeaderChange(filter);
      return { kind: { case: "responseHeaderModifier", value } };
    }
    case "redirect":
      return { kind: { case: "redirect", value: toRedirect(filter) } };
    case "failure": {
      const { status, message, ratio } = filter;
      const value = { status, message, ratio };
      return { kind: { case: "failureInjector", value } };
    }
  }
}

function toLimits(
  { timeouts, allowsRequestFields }: ClientRule<unknown, unknown, unknown>,
) {
  const { requestMs, responseMs, idleMs } = timeouts;
  const isAny = [requestMs, responseMs, idleMs].some((ms) => ms !== null);
  return {
    ...isAny ? { timeouts: toTimeouts(timeouts) } : {},
    allowL5dRequestHeaders: allowsRequestFields,
  };
}

function toTimeouts(
  { requestMs, responseMs, idleMs }: Timeouts,
): MessageInitShape<typeof TimeoutsSchema> {
  return {
    ...requestMs === null ? {} : { request: toDuration(requestMs) },
    ...responseMs === null ? {} : { response: toDuration(responseMs) },
    ...idleMs === null ? {} : { idle: toDuration(idleMs) },
  };
}

function toRetry(
  { limit, maxBodyBytes, timeoutMs, backOff }: Retry<unknown>,
) {
  return {
    maxRetries: limit,
    maxRequestBytes: maxBodyBytes,
    ...timeoutMs === null ? {} : { timeout: toDuration(timeoutMs) },
    ...backOff === null ? {} : { backoff: toBackOff(backOff) },
  };
}

/** The codes that the API of proxies has words for; `schemas/kube/traffic/retry.ts` knows no others. */
function toConditions(codes: ReadonlySet<number>) {
  return {
    cancelled: codes.has(1),
    // As the API spells it.
    deadineExceeded: codes.has(4),
    resourceExhausted: codes.has(8),
    internal: codes.has(13),
    unavailable: codes.has(14),
  };
}
