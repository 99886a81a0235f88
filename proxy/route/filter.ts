import type {
  GrpcFailure,
  HttpFailure,
  Ratio,
  Redirect,
  RequestHeaders,
  ResponseHeaders,
} from "../../schemas/route.ts";
import type { RequestHead, ResponseHead } from "../http/message.ts";
import { changeFields, type FieldChange, readyChange } from "./field-change.ts";
import type { Claim } from "./path-table.ts";
import { locate } from "./redirect.ts";

/** The filters of a rule or of a backend, made ready to be applied. */
export interface Filters {
  /** In their order. */
  readonly request: readonly RequestFilter[];
  readonly response: readonly FieldChange[];
}

type RequestFilter =
  | { readonly kind: "request-headers"; readonly change: FieldChange }
  | Redirect
  | {
    readonly kind: "failure";
    readonly status: number;
    readonly grpc: number;
    readonly message: string;
    readonly ratio: Ratio;
  };

/** What a filter answers in the application's place. */
export interface FilterAnswer {
  readonly status: number;
  readonly grpc: number;
  readonly message: string;
  readonly location: string | null;
}

/** gRPC codes that filters answer with (facts 4.14). */
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
const INTERNAL = 13;

/** Prepares filters of either kind of route; null when there are none. */
export function readyFilters(
  filters: readonly (
    | RequestHeaders
    | ResponseHeaders
    | Redirect
    | HttpFailure
    | GrpcFailure
  )[],
): Filters | null {
  if (filters.length === 0) return null;
  const request: RequestFilter[] = [];
  const response: FieldChange[] = [];
  for (const filter of filters) {
    switch (filter.kind) {
      case "request-headers":
        request.push({ kind: filter.kind, change: readyChange(filter) });
        break;
      case "response-headers":
        response.push(readyChange(filter));
        break;
      case "redirect":
        request.push(filter);
        break;
      case "failure":
        request.push(
          "code" in filter
            ? { ...filter, status: 200, grpc: filter.code }
            : { ...filter, grpc: FAILED_PRECONDITION },
        );
    }
  }
  return { request, response };
}

/**
 * Applies filters to a request that `claim` has: of the rule first, then of the backend that was chosen. What is returned
 * ends the request. A field that is added is added by each call: an attempt that may be repeated needs fields of its own.
 */
export function applyFilters(
  { request }: Filters,
  { path }: Pick<Claim<unknown>, "path">,
  head: RequestHead,
  random: () => number,
): FilterAnswer | null {
  for (const filter of request) {
    switch (filter.kind) {
      case "request-headers":
        changeFields(filter.change, head.fields);
        break;
      case "redirect": {
        const prefix = path.kind === "prefix" ? path.octets.length : null;
        const answer = redirect(filter, head, prefix);
        if (answer !== null) return answer;
        break;
      }
      case "failure":
        if (strikes(filter.ratio, random)) return { ...filter, location: null };
    }
  }
  return null;
}

/** Applies filters to a final response on its way back: of its backend first, then of the rule. */
export function applyToResponse(
  { response }: Filters,
  head: ResponseHead,
): void {
  for (const change of response) changeFields(change, head.fields);
}

/**
 * Null when the request is where it would be sent; not so of redirects that name no place, whose status is all they say
 * (docs/decisions/0152).
 */
function redirect(
  filter: Redirect,
  head: RequestHead,
  prefix: number | null,
): FilterAnswer | null {
  if (filter.path?.kind === "prefix" && prefix === null) {
    const message = "a redirect of a path prefix without a prefix to match";
    return { status: 500, grpc: INTERNAL, message, location: null };
  }
  const { from, to } = locate(filter, head, prefix ?? 0);
  const { scheme, host, path, port } = filter;
  const place = scheme ?? host ?? path ?? port;
  return from === to && place !== null ? null : {
    status: filter.status,
    grpc: NOT_FOUND,
    message: "redirected",
    location: to,
  };
}

/** A ratio that says nothing is always. */
function strikes(
  { numerator, denominator }: Ratio,
  random: () => number,
): boolean {
  return denominator === 0 || random() * denominator < numerator;
}
