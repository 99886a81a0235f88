import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  InboundGrpcRoute,
  InboundGrpcRule,
  InboundHttpRoute,
  InboundHttpRule,
} from "../../../schemas/policy.ts";
import type {
  GrpcRoute_RuleSchema,
  GrpcRouteSchema,
  HttpRoute_RuleSchema,
  HttpRouteSchema,
} from "../../../schemas/proto/gen/inbound_pb.ts";
import { toAuthz } from "./authorization.ts";
import { toMetadata } from "./meta.ts";
import {
  toGrpcFilter,
  toGrpcMatch,
  toHeaderChange,
  toHost,
  toHttpMatch,
  toRedirect,
} from "./route.ts";

/** A route of a Server for HTTP, as proxies read it. */
export function toHttpRoute(
  route: InboundHttpRoute,
): MessageInitShape<typeof HttpRouteSchema> {
  return { ...toRoute(route), rules: route.rules.map(toHttpRule) };
}

/** The same for gRPC. */
export function toGrpcRoute(
  route: InboundGrpcRoute,
): MessageInitShape<typeof GrpcRouteSchema> {
  return { ...toRoute(route), rules: route.rules.map(toGrpcRule) };
}

function toRoute(
  { meta, hosts, authorizations }: InboundHttpRoute | InboundGrpcRoute,
) {
  return {
    metadata: toMetadata(meta),
    hosts: hosts.map(toHost),
    authorizations: authorizations.map(toAuthz),
  };
}

function toHttpRule(
  { matches, filters }: InboundHttpRule,
): MessageInitShape<typeof HttpRoute_RuleSchema> {
  return {
    matches: matches.map(toHttpMatch),
    filters: filters.map((filter) => {
      switch (filter.kind) {
        case "request-headers": {
          const value = toHeaderChange(filter);
          return { kind: { case: "requestHeaderModifier", value } };
        }
        case "redirect":
          return { kind: { case: "redirect", value: toRedirect(filter) } };
        case "failure": {
          const { status, message, ratio } = filter;
          const value = { status, message, ratio };
          return { kind: { case: "failureInjector", value } };
        }
      }
    }),
  };
}

function toGrpcRule(
  { matches, filters }: InboundGrpcRule,
): MessageInitShape<typeof GrpcRoute_RuleSchema> {
  return {
    matches: matches.map(toGrpcMatch),
    filters: filters.map(toGrpcFilter),
  };
}
