import { parseHostPort } from "../../schemas/address.ts";
import { Name } from "../http/field.ts";
import { findField } from "../http/fields.ts";
import type { RequestHead } from "../http/message.ts";
import { redactAuthority, redactQuery } from "./redact.ts";
import type { Attributes, Side, Value } from "./span.ts";

/** Longer texts are cut: a request has room for 32 kB of path, and a trace has no use for it. */
const MAX_TEXT = 1_024;

const USER_AGENT = Name.of("user-agent");
const FIELDS = ["content-length", "content-type", "l5d-orig-proto"]
  .map((text) => ({
    name: Name.of(text),
    attribute: `http.request.header.${text}`,
  }));
const DEFAULT_PORTS = new Map([["http", 80], ["https", 443]]);

/** The name of a request's spans: its path, without the query. */
export function spanName(head: RequestHead): string {
  return cut(pathAndQuery(head).path);
}

/** What is told of a request (facts 6.11), named as in OpenTelemetry's conventions for HTTP. */
export function requestAttributes(head: RequestHead, side: Side): Attributes {
  const { path, query } = pathAndQuery(head);
  const scheme = head.scheme?.text ?? "http";
  const authority = (head.authority ?? head.host)?.text ?? "";
  const hostPort = authority.slice(authority.lastIndexOf("@") + 1);
  const server = parseHostPort(hostPort, DEFAULT_PORTS.get(scheme) ?? 80);
  const search = query === null ? "" : `?${query}`;
  const all: [string, Value | null][] = [
    ["direction", side],
    ["http.request.method", head.method.text],
    ["url.scheme", scheme],
    ["url.path", path],
    ["url.query", query],
    ["url.full", `${scheme}://${redactAuthority(authority)}${path}${search}`],
    ["network.transport", "tcp"],
    ["server.address", server?.host ?? null],
    ["server.port", server?.port ?? null],
    ["user_agent.original", textOf(head, USER_AGENT)],
    ...FIELDS.map(({ name, attribute }): [string, Value | null] => [
      attribute,
      textOf(head, name),
    ]),
  ];
  return all.flatMap(([name, value]) =>
    value === null ? [] : [[name, limited(value)] as const]
  );
}

function pathAndQuery(
  { path: { text } }: RequestHead,
): { readonly path: string; readonly query: string | null } {
  const at = text.indexOf("?");
  return at < 0
    ? { path: text, query: null }
    : { path: text.slice(0, at), query: redactQuery(text.slice(at + 1)) };
}

function textOf(head: RequestHead, name: Name): string | null {
  return findField(head.fields, name)?.text ?? null;
}

function limited(value: Value): Value {
  return typeof value === "string" ? cut(value) : value;
}

/** Text as it may stand in a span. */
export function cut(text: string): string {
  return text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
}
