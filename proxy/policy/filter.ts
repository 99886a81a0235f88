import type {
  GrpcFailure,
  HttpFailure,
  Ratio,
  Redirect,
  RequestHeaders,
} from "../../schemas/route.ts";
import { Field, Name, NameFlag } from "../http/field.ts";
import type { RequestHead } from "../http/message.ts";
import type { Claim } from "./path-table.ts";
import { locate } from "./redirect.ts";

/** A filter made ready to be applied. */
export type Filter =
  | {
    readonly kind: "request-headers";
    readonly add: readonly Field[];
    readonly set: readonly Field[];
    readonly remove: readonly string[];
  }
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

/** Prepares a filter of either kind of route. */
export function readyFilter(
  filter: RequestHeaders | Redirect | HttpFailure | GrpcFailure,
): Filter {
  switch (filter.kind) {
    case "redirect":
      return filter;
    case "failure":
      return "code" in filter
        ? { ...filter, status: 200, grpc: filter.code }
        : { ...filter, grpc: FAILED_PRECONDITION };
    case "request-headers":
      return {
        kind: "request-headers",
        add: readyFields(filter.add),
        set: readyFields(filter.set),
        remove: filter.remove.filter(mayChange),
      };
  }
}

/** Applies the filters of a claim in order; what is returned ends the request. */
export function applyFilters(
  { filters, path }: Claim,
  head: RequestHead,
  random: () => number,
): FilterAnswer | null {
  for (const filter of filters ?? []) {
    switch (filter.kind) {
      case "request-headers":
        changeFields(filter, head);
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

/** Null when the request is where it would be sent. */
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
  return from === to ? null : {
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

/** Framing, connection and the mesh's own fields are not a route's to change: they say what the proxy knows. */
function mayChange(name: string): boolean {
  const { hopByHop, framing, mesh, pseudo } = NameFlag;
  return name !== "host" &&
    (Name.of(name).flags & (hopByHop | framing | mesh | pseudo)) === 0;
}

function readyFields(
  fields: readonly (readonly [name: string, value: string])[],
): Field[] {
  return fields.filter(([name]) => mayChange(name)).map(([name, value]) => {
    const field = Field.of(name, value);
    // The same with every request: worth a place in a compression table.
    field.repeated = !field.secret;
    return field;
  });
}

function changeFields(
  { add, set, remove }: Extract<Filter, { kind: "request-headers" }>,
  head: RequestHead,
): void {
  head.fields.push(...add);
  for (const field of set) {
    dropNamed(head.fields, field.name.text);
    head.fields.push(field);
  }
  for (const name of remove) dropNamed(head.fields, name);
}

/** By text, as the table of names is bounded. */
function dropNamed(fields: Field[], name: string): void {
  let kept = 0;
  for (const field of fields) {
    if (field.name.text !== name) fields[kept++] = field;
  }
  fields.length = kept;
}
