import { parseHostPort } from "../../schemas/address.ts";
import { Name } from "../http/field.ts";
import { findField } from "../http/fields.ts";
import type { RequestHead } from "../http/message.ts";
import { redactAuthority, redactQuery } from "./redact.ts";
import type { Attributes, Side, Value } from "./span.ts";

/** Longer texts are cut: a request has room for 32 kB of path, and a trace has no use for it. */
const MAX_TEXT = 1_024;

/** Fields that are told, and as what. */
const FIELDS = Object.entries({
  "user-agent": "user_agent.original",
  "content-length": "http.request.header.content-length",
  "content-type": "http.request.header.content-type",
  "l5d-orig-proto": "http.request.header.l5d-orig-proto",
}).map(([name, attribute]) => ({ name: Name.of(name), attribute }));
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
  const told: (readonly [string, Value])[] = [
    ["direction", side],
    ["http.request.method", cut(head.method.text)],
    ["url.scheme", cut(scheme)],
    ["url.path", cut(path)],
    [
      "url.full",
      cut(`${scheme}://${redactAuthority(authority)}${path}${search}`),
    ],
    ["network.transport", "tcp"],
  ];
  if (query !== null) told.push(["url.query", cut(query)]);
  if (server !== null) {
    told.push(["server.address", cut(server.host)]);
    told.push(["server.port", server.port]);
  }
  for (const { name, attribute } of FIELDS) {
    const field = findField(head.fields, name);
    if (field !== null) told.push([attribute, cut(field.text)]);
  }
  return told;
}

function pathAndQuery(
  { path: { text } }: RequestHead,
): { readonly path: string; readonly query: string | null } {
  const at = text.indexOf("?");
  return at < 0
    ? { path: text, query: null }
    : { path: text.slice(0, at), query: redactQuery(text.slice(at + 1)) };
}

/** Text as it may stand in a span. */
export function cut(text: string): string {
  return text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
}
