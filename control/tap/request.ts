import { create } from "@bufbuild/protobuf";
import {
  HttpMethod_Registered,
  Scheme_Registered,
} from "../../schemas/proto/gen/http_types_pb.ts";
import {
  type ObserveRequest,
  ObserveRequestSchema,
} from "../../schemas/proto/gen/tap_pb.ts";
import { Problem } from "../../schemas/problem.ts";
import type { TapFilter } from "../../schemas/tap.ts";
import { destinationLabels } from "./target.ts";

/** What a proxy is asked for, but how much; throws `request.invalid`. */
export type Asked = (limit: number) => ObserveRequest;

/** More than any proxy takes; fits the wire's 32 bits. */
const MAX_RPS = 1_000_000;

/** Translates a filter once, for all proxies; throws `request.invalid` for one that cannot mean anything. */
export function translateFilter(filter: TapFilter): Asked {
  const { maxRps } = filter;
  if (!(maxRps > 0 && maxRps <= MAX_RPS)) {
    throw new Problem(
      "request.invalid",
      `cannot show ${maxRps} requests a second: expected more than 0 and at most ${MAX_RPS}`,
    );
  }
  const labels = filter.to === null ? [] : destinationLabels(filter.to);
  // A list of none takes everything.
  const matches = [
    ...labels.map(([key, value]) => ({
      match: { case: "destinationLabel" as const, value: { key, value } },
    })),
    ...httpMatches(filter).map((match) => ({
      match: { case: "http" as const, value: { match } },
    })),
  ];
  const match = { match: { case: "all" as const, value: { matches } } };
  return (limit) =>
    create(ObserveRequestSchema, {
      limit,
      match,
      ...filter.headers ? { extract: HEADERS } : {},
    });
}

const HEADERS = {
  extract: {
    case: "http" as const,
    value: { extract: { case: "headers" as const, value: {} } },
  },
};

function httpMatches({ scheme, method, authority, path }: TapFilter) {
  return [
    ...scheme === null
      ? []
      : [{ case: "scheme" as const, value: { type: schemeOf(scheme) } }],
    ...method === null
      ? []
      : [{ case: "method" as const, value: { type: methodOf(method) } }],
    ...authority === null
      ? []
      : [{ case: "authority" as const, value: exactly(authority) }],
    ...path === null
      ? []
      : [{ case: "path" as const, value: startingWith(path) }],
  ];
}

function exactly(value: string) {
  return { match: { case: "exact" as const, value } };
}

function startingWith(value: string) {
  return { match: { case: "prefix" as const, value } };
}

function schemeOf(scheme: string) {
  const known = registered(Scheme_Registered, scheme);
  return known === undefined
    ? { case: "unregistered" as const, value: scheme }
    : { case: "registered" as const, value: known };
}

function methodOf(method: string) {
  const known = registered(HttpMethod_Registered, method);
  return known === undefined
    ? { case: "unregistered" as const, value: method }
    : { case: "registered" as const, value: known };
}

/** Registered names are found in whatever case a person writes them. */
function registered(
  names: Readonly<Record<string | number, string | number>>,
  name: string,
): number | undefined {
  const upper = name.toUpperCase();
  if (!/^[A-Z]+$/.test(upper) || !Object.hasOwn(names, upper)) return undefined;
  const found = names[upper];
  return typeof found === "number" ? found : undefined;
}
