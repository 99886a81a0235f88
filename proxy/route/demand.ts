import type {
  GrpcMatch,
  HttpMatch,
  NamedMatch,
  ValueMatch,
} from "../../schemas/route.ts";
import type { RequestHead } from "../http/message.ts";
import type { Pattern } from "../../schemas/pattern.ts";
import { patternOf } from "./known-pattern.ts";

/** A request under one way of reading it; one object serves all requests of a policy, one after the other. */
export interface Subject {
  head: RequestHead;
  /** The octets of the path, the query not among them. */
  path: Uint8Array;
  pathEnd: number;
  /** Lower case, without port; null when the request names none. */
  host: string | null;
  /** Of a query parameter given several times: whether the last one counts, or the first. */
  lastCounts: boolean;
  /** Values of the query as a form, once somebody has asked. */
  form: ReadonlyMap<string, Values> | null;
}

/** The first and the last value of a parameter. */
interface Values {
  readonly first: string;
  last: string;
}

/** What a match demands besides host and path. */
export interface Demand {
  readonly method: string | null;
  readonly headers: readonly Named[];
  readonly params: readonly Named[];
  /** Set for gRPC: the path must be `/service/method`, and its method this one; "" is any. */
  readonly call: string | null;
  /** False when part of the match is not understood here: whether it fits is then anybody's guess. */
  readonly sure: boolean;
}

interface Named {
  readonly name: string;
  readonly value: Value;
}

type Value =
  | { readonly exact: string; readonly bytes: Uint8Array }
  | { readonly pattern: Pattern };

const encoder = new TextEncoder();

/** What an HTTP match demands. */
export function httpDemand(
  { method, headers, queryParams }: HttpMatch,
): Demand {
  return withNamed({ method, call: null }, headers, queryParams);
}

/** What a gRPC match demands: calls are POST requests. */
export function grpcDemand({ service, method, headers }: GrpcMatch): Demand {
  // With both names the path says it all.
  const call = service !== null && method !== null ? null : method ?? "";
  return withNamed({ method: "POST", call }, headers, []);
}

function withNamed(
  rest: Pick<Demand, "method" | "call">,
  headers: readonly NamedMatch[],
  params: readonly NamedMatch[],
): Demand {
  const [known, knownParams] = [headers, params].map((all) =>
    all.map(({ name, value }) => ({ name, value: readyValue(value) }))
      .filter((one): one is Named => one.value !== null)
  );
  return {
    ...rest,
    headers: known ?? [],
    params: knownParams ?? [],
    sure: known?.length === headers.length &&
      knownParams?.length === params.length,
  };
}

function readyValue(value: ValueMatch): Value | null {
  if (value.kind === "exact") {
    return { exact: value.value, bytes: encoder.encode(value.value) };
  }
  const pattern = readyPattern(value.pattern);
  return pattern === null ? null : { pattern };
}

/** Null for a pattern that cannot be used. */
export function readyPattern(text: string): Pattern | null {
  try {
    return patternOf(text);
  } catch {
    return null; // Said when the policy was read; here it means "not sure".
  }
}

/** Whether a request fulfils a demand. */
export function meets(demand: Demand, subject: Subject): boolean {
  const { method, call, headers, params } = demand;
  if (method !== null && subject.head.method.text !== method) return false;
  if (call !== null && !isCallOf(call, subject)) return false;
  for (let at = 0; at < headers.length; at++) {
    const header = headers[at];
    if (header !== undefined && !hasHeader(header, subject.head)) return false;
  }
  for (let at = 0; at < params.length; at++) {
    const param = params[at];
    if (param !== undefined && !hasParam(param, subject)) return false;
  }
  return true;
}

const SLASH = 0x2f;

/** Whether the path is that of a gRPC call, of a method when it is not "". */
function isCallOf(method: string, { path, pathEnd }: Subject): boolean {
  const second = path.indexOf(SLASH, 1);
  if (path[0] !== SLASH || second < 2 || second + 1 >= pathEnd) return false;
  for (let at = second + 1; at < pathEnd; at++) {
    const octet = path[at];
    if (octet === SLASH) return false;
    if (method !== "" && octet !== method.charCodeAt(at - second - 1)) {
      return false;
    }
  }
  return method === "" || method.length === pathEnd - second - 1;
}

/** Names are compared as texts: the table of names is bounded, so a flood of them must not hide one. */
function hasHeader({ name, value }: Named, head: RequestHead): boolean {
  if (name === "host") {
    const host = head.authority ?? head.host;
    return host !== null && fits(value, host.value);
  }
  const { fields } = head;
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at];
    if (field?.name.text === name && fits(value, field.value)) return true;
  }
  return false;
}

function hasParam({ name, value }: Named, subject: Subject): boolean {
  const form = subject.form ??= valuesOf(subject.head);
  const values = form.get(name);
  const counts = subject.lastCounts ? values?.last : values?.first;
  return counts !== undefined &&
    ("pattern" in value
      ? fits(value, encoder.encode(counts))
      : counts === value.exact);
}

/** The query of a request, decoded as a form. */
export function formOf({ path: { text } }: RequestHead): URLSearchParams {
  const at = text.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : text.slice(at + 1));
}

/** Gone over once, however many rules ask and parameters come. */
function valuesOf(head: RequestHead): ReadonlyMap<string, Values> {
  const values = new Map<string, Values>();
  for (const [name, value] of formOf(head)) {
    const known = values.get(name);
    if (known === undefined) values.set(name, { first: value, last: value });
    else known.last = value;
  }
  return values;
}

function fits(value: Value, bytes: Uint8Array): boolean {
  return "pattern" in value
    ? value.pattern.matches(bytes, 0, bytes.length)
    : isSame(value.bytes, bytes, bytes.length);
}

/** Whether the first `end` octets of `b` are those of `a`. */
export function isSame(a: Uint8Array, b: Uint8Array, end: number): boolean {
  if (a.length !== end) return false;
  for (let at = 0; at < end; at++) {
    if (a[at] !== b[at]) return false;
  }
  return true;
}
