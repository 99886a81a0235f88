import type { HttpRoute, OutboundRoute } from "../../kube.ts";
import { parseGoDuration } from "../../go-duration.ts";
import { Problem } from "../../problem.ts";
import { type FieldPath, formatPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { groupOf } from "../parents.ts";
import { readGrpcRetry, readHttpRetry } from "../traffic/retry.ts";
import { readTimeouts } from "../traffic/timeouts.ts";
import { mistakesOfLength } from "./route.ts";

type HttpRule = NonNullable<HttpRoute["spec"]["rules"]>[number];
type BackendRefs = NonNullable<
  NonNullable<OutboundRoute["spec"]["rules"]>[number]["backendRefs"]
>;

/** Retries and timeouts that a route for clients is annotated with can be meant. */
export function mistakesOfTraffic(
  { kind, metadata }: OutboundRoute,
): Mistake[] {
  switch (kind) {
    case "HTTPRoute":
      return [
        ...readTimeouts(metadata).mistakes,
        ...readHttpRetry(metadata).mistakes,
      ];
    case "GRPCRoute":
      return [
        ...readTimeouts(metadata).mistakes,
        ...readGrpcRetry(metadata).mistakes,
      ];
    default:
      return [];
  }
}

/** A backend that is a Service or a ServiceImport is one of its ports. */
export function mistakesOfBackends(
  backendRefs: BackendRefs = [],
  path: FieldPath,
): Mistake[] {
  const missing = backendRefs.flatMap(({ group = "", kind, port }, at) => {
    const isPorted = (kind === undefined || kind === "Service")
      ? group === "" || group === "core"
      : kind === "ServiceImport";
    if (!isPorted || port !== undefined) return [];
    return [mistake(
      [...path, "backendRefs", at, "port"],
      port,
      `a port of the ${kind ?? "Service"}`,
      "add the port that requests go to, such as port: 80",
    )];
  });
  return [...mistakesOfLength("backendRefs", backendRefs, path), ...missing];
}

/** Timeouts of a rule are durations, and that of a single attempt is within that of all. */
export function mistakesOfTimeouts(
  { timeouts = {} }: HttpRule,
  { apiVersion }: HttpRoute,
  path: FieldPath,
): Mistake[] {
  const at = [...path, "timeouts"];
  const mistakes = Object.entries(timeouts).flatMap(([name, text]) =>
    mistakesOfSpan(text, apiVersion, [...at, name])
  );
  if (mistakes.length > 0) return mistakes;
  const [total, each] = [timeouts.request, timeouts.backendRequest]
    .map((text) => text === undefined ? 0 : parseGoDuration(text));
  // 0 is no limit.
  if (!total || !each || each <= total) return [];
  return [mistake(
    [...at, "backendRequest"],
    timeouts.backendRequest,
    `at most ${formatPath([...at, "request"])} (${timeouts.request})`,
    "lower it, or raise the other",
  )];
}

/** Retries of a rule: how many, of which statuses, and how far apart. */
export function mistakesOfRetry(
  { retry = {} }: HttpRule,
  { apiVersion }: HttpRoute,
  path: FieldPath,
): Mistake[] {
  const at = [...path, "retry"];
  const { attempts = 0, backoff, codes = [] } = retry;
  return [
    ...attempts >= 0 ? [] : [mistake(
      [...at, "attempts"],
      attempts,
      "a whole number, 0 or more",
      "say how often a request is sent again",
    )],
    ...backoff === undefined
      ? []
      : mistakesOfSpan(backoff, apiVersion, [...at, "backoff"]),
    ...codes.flatMap((code, of) =>
      code >= 400 && code <= 599 ? [] : [mistake(
        [...at, "codes", of],
        code,
        "a status from 400 to 599",
        "list statuses of failures only",
      )]
    ),
  ];
}

/** GEP-2257. */
const GATEWAY_SPAN = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;

function mistakesOfSpan(
  text: string,
  apiVersion: string,
  path: FieldPath,
): Mistake[] {
  const isGateway = groupOf(apiVersion) === "gateway.networking.k8s.io";
  if (isGateway ? GATEWAY_SPAN.test(text) : isSpan(text)) return [];
  return [mistake(
    path,
    text,
    isGateway ? "a duration as of GEP-2257" : "a duration of 0 or more",
    "write it as 10s, 500ms or 1m30s",
  )];
}

function isSpan(text: string): boolean {
  try {
    return parseGoDuration(text) >= 0;
  } catch (thrown) {
    if (thrown instanceof Problem) return false;
    throw thrown;
  }
}
