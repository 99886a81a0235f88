import { amountOf } from "../../install/inject/quantity.ts";
import { parseHostPort } from "../../schemas/address.ts";
import { parseGoDuration } from "../../schemas/go-duration.ts";
import type { ServiceProfile } from "../../schemas/kube.ts";
import type { Meta } from "../../schemas/policy.ts";
import {
  DEFAULT_RETRY_BUDGET,
  type ProfileRoute,
  type ProfileRouting,
  type ProfileTarget,
  type RequestCondition,
  type ResponseClass,
  type ResponseCondition,
} from "../../schemas/profile.ts";
import { Problem } from "../../schemas/problem.ts";
import type { ObjectName } from "../views.ts";
import type { Settings } from "./settings.ts";

/** A weight of 1 on the wire. */
const WEIGHT_ONE = 10_000;

/** What requests to a Service's port are subject to; without a ServiceProfile, to nothing but the default budget. */
export function routingOf(
  service: ObjectName,
  port: number,
  profile: ServiceProfile | null,
  { clusterDomain }: Settings,
): ProfileRouting {
  const { routes = [], retryBudget, dstOverrides = [] } = profile?.spec ?? {};
  return {
    routes: routes.map(toRoute),
    retryBudget: retryBudget === undefined ? DEFAULT_RETRY_BUDGET : {
      retryRatio: retryBudget.retryRatio,
      minRetriesPerSecond: retryBudget.minRetriesPerSecond,
      ttlMs: durationMs(retryBudget.ttl) ?? DEFAULT_RETRY_BUDGET.ttlMs,
    },
    targets: dstOverrides.flatMap((override) =>
      toTarget(override, port, clusterDomain)
    ),
    parent: resource("core", "Service", service, port),
    profile: profile === null
      ? null
      : resource("linkerd.io", "ServiceProfile", profile.metadata, 0),
  };
}

type RouteSpec = NonNullable<ServiceProfile["spec"]["routes"]>[number];
type Override = NonNullable<ServiceProfile["spec"]["dstOverrides"]>[number];

function toRoute(
  { name, condition, responseClasses = [], isRetryable, timeout }: RouteSpec,
): ProfileRoute {
  return {
    condition: toRequestCondition(condition),
    responseClasses: responseClasses.map((one): ResponseClass => ({
      condition: toResponseCondition(one.condition),
      isFailure: one.isFailure ?? false,
    })),
    labels: { route: name },
    retries: isRetryable ?? false,
    timeoutMs: durationMs(timeout),
  };
}

function toTarget(
  { authority = "", weight = 0 }: Override,
  port: number,
  clusterDomain: string,
): ProfileTarget[] {
  const parts = parseHostPort(authority, port);
  if (parts === null) return [];
  const [name = "", namespace = "", ...rest] = parts.host.split(".");
  const isService = rest.join(".") === `svc.${clusterDomain}`;
  return [{
    authority: `${parts.host}:${parts.port}`,
    weight: Math.round(amountOf(`${weight}`) * WEIGHT_ONE),
    backend: isService
      ? resource("core", "Service", { name, namespace }, parts.port)
      : null,
  }];
}

/** Several fields of one condition must hold together. */
function toRequestCondition(fields: Fields): RequestCondition {
  return joined(
    given(fields).map(([name, value]): RequestCondition => {
      switch (name) {
        case "pathRegex":
          return { kind: "path", pattern: String(value) };
        case "method":
          return { kind: "method", method: String(value).toUpperCase() };
        case "not":
          return { kind: "not", condition: toRequestCondition(inside(value)) };
        default:
          return {
            kind: name === "any" ? "any" : "all",
            conditions: list(value).map(toRequestCondition),
          };
      }
    }),
  );
}

function toResponseCondition(fields: Fields): ResponseCondition {
  return joined(
    given(fields).map(([name, value]): ResponseCondition => {
      switch (name) {
        case "status": {
          const { min = 100, max = 599 } = inside(value);
          return { kind: "status", min: Number(min), max: Number(max) };
        }
        case "not":
          return { kind: "not", condition: toResponseCondition(inside(value)) };
        default:
          return {
            kind: name === "any" ? "any" : "all",
            conditions: list(value).map(toResponseCondition),
          };
      }
    }),
  );
}

/** A condition of which reading it has made sure that it has fields, each of its own shape (`rules/service-profile.ts`). */
type Fields = Readonly<Record<string, unknown>>;

/** Kubernetes reads a field that is null as one that is absent. */
function given(fields: Fields): [string, unknown][] {
  return Object.entries(fields).filter(([, value]) => value !== null);
}

function inside(value: unknown): Fields {
  return value as Fields;
}

function list(value: unknown): readonly Fields[] {
  return value as readonly Fields[];
}

function joined<C>(
  conditions: readonly C[],
): C | { readonly kind: "all"; readonly conditions: readonly C[] } {
  const [only] = conditions;
  return only !== undefined && conditions.length === 1
    ? only
    : { kind: "all", conditions };
}

/** Null without a duration, and for one that is not a span of time, as in Linkerd. */
function durationMs(text: string | undefined): number | null {
  if (text === undefined) return null;
  try {
    const spanMs = parseGoDuration(text);
    return spanMs > 0 ? spanMs : null;
  } catch (thrown) {
    if (thrown instanceof Problem) return null;
    throw thrown;
  }
}

function resource(
  group: string,
  kind: string,
  { name, namespace }: ObjectName,
  port: number,
): Meta {
  return {
    kind: "resource",
    resource: { group, kind, name, namespace, section: "", port },
  };
}
