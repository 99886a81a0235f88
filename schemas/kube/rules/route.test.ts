import { test } from "bun:test";
import { expectMistakes, TARGET } from "../testing/mistakes.ts";

test("HTTPRoute on a Server: parents, hosts, matches and filters", () => {
  const kind = "HTTPRoute";
  const rule = (rule: object) => ({
    parentRefs: [{ kind: "Server", name: "web" }],
    rules: [rule],
  });
  const match = (match: object) => rule({ matches: [match] });
  const path = (type: string, value: string) =>
    match({ path: { type, value } });
  const filter = (filter: object) => rule({ filters: [filter] });
  const headers = (requestHeaderModifier: object) =>
    filter({ type: "RequestHeaderModifier", requestHeaderModifier });
  const redirect = (requestRedirect: object) =>
    filter({ type: "RequestRedirect", requestRedirect });
  const parent = (more: object) => ({
    parentRefs: [{ kind: "Server", name: "web", ...more }],
  });
  expectMistakes([
    [
      kind,
      rule({ backendRefs: [{ name: "x" }], timeouts: { request: "1s" } }),
      null,
    ],
    [kind, path("RegularExpression", "/a|(?i)/b"), null],
    [
      kind,
      path("RegularExpression", "/a(?=b)"),
      "expected a regular expression (",
    ],
    [kind, parent({ namespace: "shop" }), null],
    [
      kind,
      parent({ namespace: "other" }),
      'spec.parentRefs[0].namespace is "other", expected shop, the route\'s own namespace',
    ],
    [
      kind,
      parent({ port: 80 }),
      "spec.parentRefs[0].port is 80, expected none: a Server is about one port",
    ],
    [
      kind,
      parent({ sectionName: "a" }),
      'spec.parentRefs[0].sectionName is "a", expected none',
    ],
    [
      kind,
      { ...parent({}), hostnames: ["*.a.example", "http://a"] },
      'spec.hostnames[1] is "http://a", expected a host name',
    ],
    [
      kind,
      path("Exact", "a"),
      'spec.rules[0].matches[0].path.value is "a", expected a path that begins with /',
    ],
    [
      kind,
      path("RegularExpression", "("),
      'spec.rules[0].matches[0].path.value is "(", expected a regular expression',
    ],
    [
      kind,
      path("Glob", "/*"),
      'spec.rules[0].matches[0].path.type is "Glob", expected one of Exact, PathPrefix, RegularExpression',
    ],
    [
      kind,
      match({ cookies: [] }),
      "spec.rules[0].matches[0].cookies is a list, expected no such field",
    ],
    [
      kind,
      match({ method: "BREW" }),
      'spec.rules[0].matches[0].method is "BREW", expected one of GET',
    ],
    [
      kind,
      match({ headers: [{ name: "a b", value: "c" }] }),
      'spec.rules[0].matches[0].headers[0].name is "a b", expected the name of a header',
    ],
    [
      kind,
      match({
        queryParams: [{ name: "a b", value: "[", type: "RegularExpression" }],
      }),
      "spec.rules[0].matches[0].queryParams[0].value",
    ],
    [kind, headers({ add: [{ name: "a", value: "b" }], remove: ["c"] }), null],
    [
      kind,
      headers({ set: [{ name: "a:", value: "b" }] }),
      "spec.rules[0].filters[0].requestHeaderModifier.set[0].name",
    ],
    [
      kind,
      headers({ add: [{ name: "a", value: "b\r\nc" }] }),
      "expected a header value without control characters",
    ],
    [
      kind,
      headers({ remove: [""] }),
      "spec.rules[0].filters[0].requestHeaderModifier.remove[0]",
    ],
    [
      kind,
      filter({ type: "RequestHeaderModifier" }),
      "requestHeaderModifier is missing, expected headers to change",
    ],
    [
      kind,
      filter({ type: "Teapot" }),
      'spec.rules[0].filters[0].type is "Teapot", expected one of RequestHeaderModifier',
    ],
    [kind, filter({ type: "ExtensionRef" }), null],
    [
      kind,
      redirect({
        hostname: "a.example",
        path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/b" },
        statusCode: 301,
      }),
      null,
    ],
    [
      kind,
      redirect({ path: { type: "ReplaceFullPath", replaceFullPath: "b" } }),
      'requestRedirect.path.replaceFullPath is "b", expected a path that begins with /',
    ],
    [
      kind,
      redirect({ hostname: "*.a" }),
      'requestRedirect.hostname is "*.a", expected a host name',
    ],
    [
      kind,
      redirect({ statusCode: 200 }),
      "requestRedirect.statusCode is 200, expected a status from 300 to 399",
    ],
  ]);
});

test("GRPCRoute on a Server: exact services and methods", () => {
  const kind = "GRPCRoute";
  const match = (match: object) => ({
    parentRefs: [TARGET],
    rules: [{ matches: [match] }],
  });
  expectMistakes([
    [kind, match({ method: { service: "a.B", method: "C" } }), null],
    [kind, match({ headers: [{ name: "a", value: "b" }] }), null],
    [
      kind,
      match({ method: { type: "RegularExpression", service: "a" } }),
      'spec.rules[0].matches[0].method.type is "RegularExpression", expected Exact',
    ],
    [
      kind,
      match({ method: {} }),
      "spec.rules[0].matches[0].method is a map of fields, expected a service, a method or both",
    ],
    [
      kind,
      match({ headers: [{ name: ":", value: "b" }] }),
      "spec.rules[0].matches[0].headers[0].name",
    ],
  ]);
});
