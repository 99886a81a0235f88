import { toBinary } from "@bufbuild/protobuf";
import { expect, test } from "bun:test";
import { toServer } from "../control/serve/policy/inbound.ts";
import { decodeServerPolicy } from "../proxy/wire/server-policy.ts";
import { parseNetwork } from "../schemas/address.ts";
import type {
  Authorization,
  Meta,
  RateLimit,
  ServerPolicy,
  ServerProtocol,
} from "../schemas/policy.ts";
import { ServerSchema } from "../schemas/proto/gen/inbound_pb.ts";
import type { GrpcMatch, HttpMatch, NamedMatch } from "../schemas/route.ts";

/** A policy as it arrives, having been sent. */
function sent(policy: ServerPolicy): ServerPolicy {
  const notices = new Set<string>();
  const bytes = toBinary(ServerSchema, toServer(policy));
  const received = decodeServerPolicy(bytes, notices);
  expect([...notices]).toEqual([]);
  return received;
}

const ROUTE: Meta = {
  kind: "resource",
  resource: {
    group: "policy.linkerd.io",
    kind: "HTTPRoute",
    name: "r",
    namespace: "shop",
    section: "",
    port: 0,
  },
};

const AUTHORIZATIONS: readonly Authorization[] = [
  {
    networks: [{
      network: parseNetwork("10.0.0.0/8"),
      except: [parseNetwork("10.1.0.0/16"), parseNetwork("10.2.3.4")],
    }, { network: parseNetwork("2001:db8::/32"), except: [] }],
    authentication: {
      kind: "identities",
      identities: new Set(["web.shop.example", "spiffe://td/web"]),
      suffixes: [".shop.example", ""],
    },
    meta: {
      group: "policy.linkerd.io",
      kind: "authorizationpolicy",
      name: "a",
    },
  },
  {
    networks: [{ network: parseNetwork("0.0.0.0/0"), except: [] }],
    authentication: { kind: "tls" },
    meta: {
      group: "policy.linkerd.io",
      kind: "serverauthorization",
      name: "b",
    },
  },
  {
    networks: [{ network: parseNetwork("::/0"), except: [] }],
    authentication: { kind: "unauthenticated" },
    meta: { group: "", kind: "default", name: "probe" },
  },
];

const HEADERS: readonly NamedMatch[] = [
  { name: "x-a", value: { kind: "exact", value: "ü" } },
  { name: "x-b", value: { kind: "regex", pattern: "b+" } },
];

const ALWAYS = { numerator: 1, denominator: 1 };
const ANY = { headers: [], queryParams: [], method: null };

const MATCHES: readonly HttpMatch[] = [
  { ...ANY, path: { kind: "exact", path: "/a" } },
  { ...ANY, path: { kind: "prefix", path: "/" } },
  {
    path: { kind: "regex", pattern: "/a.*" },
    headers: HEADERS,
    queryParams: [
      { name: "q", value: { kind: "exact", value: "1" } },
      { name: "Q", value: { kind: "regex", pattern: "[0-9]" } },
    ],
    method: "PATCH",
  },
  { ...ANY, path: null, method: "GET" },
];

const RPCS: readonly GrpcMatch[] = [
  { service: "a.B", method: "C", headers: HEADERS },
  { service: "a.B", method: null, headers: [] },
  { service: null, method: "C", headers: [] },
  { service: null, method: null, headers: [] },
];

const ROUTE_BASE = {
  meta: ROUTE,
  hosts: [
    { kind: "exact", host: "web.example" },
    { kind: "suffix", suffix: ".example.org" },
  ],
  authorizations: AUTHORIZATIONS,
} as const;

const HTTP_ROUTES: Extract<ServerProtocol, { kind: "detect" }>["routes"] = [
  {
    ...ROUTE_BASE,
    rules: [{
      matches: MATCHES,
      filters: [
        {
          kind: "request-headers",
          add: [["x-a", "1"]],
          set: [["x-b", "2"]],
          remove: ["x-c"],
        },
        {
          kind: "redirect",
          scheme: "https",
          host: "a.example",
          path: { kind: "full", path: "/b" },
          port: 8443,
          status: 301,
        },
        {
          kind: "redirect",
          scheme: null,
          host: null,
          path: { kind: "prefix", path: "/c" },
          port: null,
          status: 302,
        },
        { kind: "failure", status: 403, message: "no", ratio: ALWAYS },
      ],
    }],
  },
  {
    meta: { kind: "default", name: "default" },
    hosts: [],
    authorizations: [],
    rules: [{ matches: [], filters: [] }],
  },
];

const RATE_LIMIT: RateLimit = {
  meta: ROUTE,
  totalPerSecond: 100,
  identityPerSecond: null,
  overrides: [{
    perSecond: 7,
    identities: new Set(["a.example", "b.example"]),
  }],
};

test("a server policy arrives as it was sent, whatever is in it", () => {
  const http = { routes: HTTP_ROUTES, rateLimit: RATE_LIMIT };
  const grpc = [{
    ...ROUTE_BASE,
    rules: [{
      matches: RPCS,
      filters: [
        { kind: "failure", code: 7, message: "no", ratio: ALWAYS },
      ] as const,
    }],
  }];
  const protocols: ServerProtocol[] = [
    { kind: "detect", timeoutMs: 10_000, ...http },
    { kind: "http1", ...http },
    { kind: "http2", routes: HTTP_ROUTES },
    { kind: "grpc", routes: grpc },
    { kind: "opaque" },
    { kind: "tls" },
  ];
  const meta = { group: "policy.linkerd.io", kind: "server", name: "web" };
  for (const protocol of protocols) {
    const policy = { protocol, authorizations: AUTHORIZATIONS, meta };
    expect(sent(policy)).toEqual(policy);
  }
});
