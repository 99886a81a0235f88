import { describe, expect, test } from "bun:test";
import type {
  GrpcMatch,
  HostMatch,
  HttpMatch,
  PathMatch,
  ValueMatch,
} from "../../schemas/route.ts";
import type { RequestHead } from "../http/message.ts";
import { requestHead } from "../testing/http1.ts";
import type { Claim } from "./path-table.ts";
import {
  createGrpcTable,
  createHttpTable,
  type RouteTable,
  type Rule,
} from "./route-table.ts";

const prefix = (path: string): PathMatch => ({ kind: "prefix", path });
const exact = (path: string): PathMatch => ({ kind: "exact", path });
const regex = (pattern: string): PathMatch => ({ kind: "regex", pattern });
const is = (value: string): ValueMatch => ({ kind: "exact", value });

function match(
  path: PathMatch | null,
  more: Partial<HttpMatch> = {},
): HttpMatch {
  return { path, headers: [], queryParams: [], method: null, ...more };
}

/** A rule that gives its name to whoever finds it. */
function route(
  payload: string,
  matches: HttpMatch | readonly HttpMatch[],
  hosts: readonly HostMatch[] = [],
): Rule<HttpMatch, string> {
  const all = "path" in matches ? [matches] : matches;
  return { hosts, matches: all, payload };
}

function tableOf(...rules: Rule<HttpMatch, string>[]): RouteTable<string> {
  return createHttpTable(rules);
}

/** Name of the rule that a request has; `?` behind it when nobody knows for sure. */
function nameOf(claim: Claim<string> | null): string | null {
  return claim === null ? null : `${claim.payload}${claim.sure ? "" : "?"}`;
}

function find(
  table: RouteTable<string>,
  path: string,
  fields: Record<string, string> = {},
  method = "GET",
): string | null {
  return nameOf(table.find(requestHead(method, path, fields)));
}

describe("a request's route", () => {
  test("is the exact path, a pattern, the longest prefix, or any", () => {
    const table = tableOf(
      route("any", match(null)),
      route("root", match(prefix("/"))),
      route("a", match(prefix("/a"))),
      route("deep", match(prefix("/a/b/c/"))),
      route("pattern", match(regex("/a/[0-9]+(/.*)?"))),
      route("exact", match(exact("/a/7"))),
    );
    for (
      const [path, name] of [
        ["/", "root"],
        ["*", "root"],
        ["/ab", "root"],
        ["/a", "a"],
        ["/a?x=/a/b/c", "a"],
        ["/a/", "a"],
        ["/a/b/cd", "a"],
        ["/a/b/c", "deep"],
        ["/a/b/c/", "deep"],
        ["/a/b/c/d?e", "deep"],
        ["/a/8", "pattern"],
        ["/a/8/b", "pattern"],
        ["/a/7", "exact"],
        ["/a/7?q", "exact"],
        ["/a/7/", "pattern"],
        ["/A/7", "root"],
      ] as const
    ) expect({ path, name: find(table, path) }).toEqual({ path, name });
  });

  test("is the first of several patterns, whatever they begin with", () => {
    const table = tableOf(
      route("a", match(regex(".*/z"))),
      route("b", match(regex("/x/.*"))),
      route("c", match(regex("/x/y/z|/q"))),
      route("d", match(regex("/x/y/.*"), { method: "GET" })),
    );
    const paths = ["/x/y/z", "/x/y/a", "/x/b", "/q", "/q/z", "/r"];
    expect(paths.map((path) => find(table, path, {}, "PUT")))
      .toEqual(["a", "b", "b", "c", "a", null]);
    expect(paths.map((path) => find(table, path)))
      .toEqual(["d", "d", "b", "c", "a", null]);
  });

  test("none is when nothing matches", () => {
    expect(find(tableOf(route("a", match(prefix("/a")))), "/b")).toBeNull();
    expect(find(tableOf(route("a", [])), "/b")).toBe("a");
    expect(find(tableOf(), "/b")).toBeNull();
  });

  test("is by headers, then parameters, then method, then the first listed", () => {
    const header = { headers: [{ name: "x", value: is("1") }] };
    const param = { queryParams: [{ name: "q", value: is("a b") }] };
    const table = tableOf(
      route("plain", match(prefix("/"))),
      route("method", match(prefix("/"), { method: "PUT" })),
      route("param", match(prefix("/"), param)),
      route("header", match(prefix("/"), header)),
      route("header again", match(prefix("/"), header)),
      route("both", match(prefix("/"), { ...header, ...param })),
    );
    expect(find(table, "/")).toBe("plain");
    expect(find(table, "/", {}, "PUT")).toBe("method");
    expect(find(table, "/?q=a+b", {}, "PUT")).toBe("param");
    expect(find(table, "/?%71=a%20b")).toBe("param");
    expect(find(table, "/?q=a", { x: "1" })).toBe("header");
    expect(find(table, "/?q=a+b", { x: "1" })).toBe("both");
    expect(find(table, "/", { x: "11" })).toBe("plain");
  });

  test("is found behind a more specific path whose demands are not met", () => {
    const table = tableOf(
      route("put", match(exact("/a/b"), { method: "PUT" })),
      route("post", match(prefix("/a/b"), { method: "POST" })),
      route("a", match(prefix("/a"))),
    );
    expect(find(table, "/a/b")).toBe("a");
    expect(find(table, "/a/b", {}, "POST")).toBe("post");
  });

  test("is by host first: exact, the longest suffix, any", () => {
    const table = tableOf(
      route("any", match(exact("/a"))),
      route("exact", match(prefix("/x")), [{
        kind: "exact",
        host: "A.example.org",
      }]),
      route("short", match(prefix("/")), [{
        kind: "suffix",
        suffix: ".org",
      }]),
      route("long", match(prefix("/")), [
        { kind: "suffix", suffix: ".example.org" },
        { kind: "exact", host: "other" },
      ]),
    );
    for (
      const [host, path, name] of [
        ["b.example.org", "/a", "long"],
        ["b.example.org.:8080", "/a", "long"],
        ["B.EXAMPLE.ORG", "/a", "long"],
        ["example.org", "/a", "short"],
        [".org", "/a", "any"],
        ["org", "/a", "any"],
        ["a.example.org", "/x", "exact"],
        ["a.example.org", "/a", "long"],
        ["other:80", "/a", "long"],
        ["[::1]:80", "/a", "any"],
      ] as const
    ) {
      expect({ host, name: find(table, path, { host }) })
        .toEqual({ host, name });
      expect(nameOf(
        table.find(requestHead("GET", path, { authority: host }, "2")),
      )).toBe(name);
    }
    expect(nameOf(table.find(requestHead("GET", "/a", {})))).toBe("any");
  });

  test("is found by host among many that end alike", () => {
    const suffix = (at: number): HostMatch => ({
      kind: "suffix",
      suffix: `.${at}.example.org`,
    });
    const rules = Array.from(
      { length: 1_000 },
      (_, at) => route(String(at), match(null), [suffix(at)]),
    );
    const table = tableOf(route("any", match(null)), ...rules);
    for (
      const [host, name] of [
        ["a.7.example.org", "7"],
        ["a.b.999.example.org:80", "999"],
        ["7.example.org", "any"],
        ["a.07.example.org", "any"],
        [`${"a.".repeat(5_000)}7.example.org`, "7"],
        [".".repeat(5_000), "any"],
      ] as const
    ) expect(find(table, "/", { host })).toBe(name);
  });

  test("is found soon, whatever patterns and paths are made to be slow", () => {
    const table = tableOf(
      route("nested", match(regex("/(a+)+b"))),
      route("doubled", match(regex("/(a|a)*c"))),
      route("counted", match(regex("/(a?){50}a{50}d"))),
      route("rest", match(prefix("/"))),
    );
    // With an engine that goes back this would not end.
    expect(find(table, `/${"a".repeat(8_000)}`)).toBe("rest");
    expect(find(table, `/${"a".repeat(8_000)}b`)).toBe("nested");
    expect(find(table, `/${"a".repeat(8_000)}c`)).toBe("doubled");
    expect(find(table, `/${"a".repeat(70)}d`)).toBe("counted");
  });

  test("may be one whose pattern nobody understands: then nobody is sure", () => {
    const table = tableOf(
      route("open", match(prefix("/"))),
      route("known", match(exact("/known"))),
      route("closed", match(regex("(?=no)"), { method: "PUT" })),
      route("header", [
        match(prefix("/h"), {
          headers: [{ name: "x", value: regex("(?=no)") as ValueMatch }],
        }),
      ]),
    );
    expect(table.sure).toBeFalse();
    expect(find(table, "/a")).toBe("open");
    expect(find(table, "/a", {}, "PUT")).toBe("closed?");
    expect(find(table, "/known", {}, "PUT")).toBe("known");
    expect(find(table, "/h")).toBe("header?");
  });

  test("of gRPC is by service, then method; only calls have one", () => {
    const call = (
      service: string | null,
      method: string | null,
      payload: string,
    ): Rule<GrpcMatch, string> => ({
      hosts: [],
      matches: [{ service, method, headers: [] }],
      payload,
    });
    const table = createGrpcTable([
      call(null, null, "any"),
      call(null, "List", "method"),
      call("a.B", null, "service"),
      call("a.B", "Get", "both"),
    ]);
    for (
      const [path, name] of [
        ["/a.B/Get", "both"],
        ["/a.B/Put", "service"],
        ["/a.B/List", "service"],
        ["/c/List", "method"],
        ["/c/Lists", "any"],
        ["/c/Lis", "any"],
        ["/a.B/Get/x", null],
        ["/a.B/", null],
        ["/a.B", null],
        ["//Get", null],
        ["/", null],
      ] as const
    ) {
      expect({ path, name: find(table, path, {}, "POST") })
        .toEqual({ path, name });
    }
    expect(find(table, "/a.B/Get")).toBeNull();
  });
});

/** The routes a request might have for servers that read it otherwise. */
function others(
  table: RouteTable<string>,
  head: RequestHead,
): (string | null)[] {
  const found: (string | null)[] = [];
  const claim = table.find(head);
  if (claim === null) throw new Error("no route");
  table.everyReading(head, claim, (other) => {
    found.push(nameOf(other));
    return true;
  });
  return found;
}

describe("other readings of a request", () => {
  const table = tableOf(
    route("open", match(prefix("/open"))),
    route("root", match(prefix("/"))),
    route("admin", match(prefix("/admin"))),
    route("escaped", match(exact("/a%2Fb"))),
    route(
      "parameter",
      match(prefix("/open"), {
        queryParams: [{ name: "mode", value: is("admin") }],
      }),
    ),
    route("host", match(prefix("/open")), [{ kind: "exact", host: "admin" }]),
  );

  test.each([
    "/open/../admin",
    "/open/%2e%2e/admin",
    "/open/.%2E/admin",
    "/open/%2e%2e%2fadmin",
    "/open/%252e%252e%252fadmin",
    "/open/..;/admin",
    "/open/..;x=y/admin",
    "/open/..%5cadmin",
    "/open\\..\\admin",
    "//admin",
    "/./admin",
    "/;a/admin",
    "/admin;a",
    "/%61dmin",
    "/%2561dmin",
    "/open/x/../../admin#",
    "/admin#x",
    "/admin%23x",
    "/admin%3fx",
    "/admin%00.html",
  ])("%s may be /admin", (path) => {
    const head = requestHead("GET", path, { host: "a" });
    expect(others(table, head)).toContain("admin");
  });

  test.each(["/open/a", "/open/a%20b", "/open/a.b/..c", "/open/%c3%a9"])(
    "%s is nothing else",
    (path) => {
      const head = requestHead("GET", path, { host: "a" });
      expect(new Set(others(table, head))).not.toContain("admin");
      expect(others(table, head).every((name) => name === "open")).toBeTrue();
    },
  );

  test("are not looked for when a route names the very octets", () => {
    expect(others(table, requestHead("GET", "/a%2Fb", { host: "a" })))
      .toEqual([]);
  });

  test("are those of the first and the last parameter of a name", () => {
    const twice = requestHead("GET", "/open?mode=user&mode=admin", {
      host: "a",
    });
    expect(others(table, twice)).toEqual(["open", "parameter"]);
  });

  test("are those of both hosts, when it names two", () => {
    const head = requestHead("GET", "/open", {
      host: "admin",
      authority: "open",
    });
    expect(others(table, head)).toEqual(["open", "host"]);
  });
});
