import { describe, expect, test } from "bun:test";
import type {
  HttpFailure,
  Redirect,
  RequestHeaders,
} from "../../schemas/route.ts";
import { Field } from "../http/field.ts";
import { ResponseHead } from "../http/message.ts";
import { requestHead } from "../testing/http1.ts";
import { linesOf } from "../testing/recorded-exchange.ts";
import {
  applyFilters,
  applyToResponse,
  type FilterAnswer,
  readyFilters,
} from "./filter.ts";
import { createHttpTable } from "./route-table.ts";

const REDIRECT: Redirect = {
  kind: "redirect",
  scheme: null,
  host: null,
  path: null,
  port: null,
  status: 302,
};

/** What filters of a rule do to a request. */
function apply(
  filters: readonly (RequestHeaders | Redirect | HttpFailure)[],
  head = requestHead("GET", "/a/b?q=1", { host: "web:8080" }),
  path: "/a" | null = "/a",
  random = 0.5,
): FilterAnswer | null {
  const claim = createHttpTable([{
    hosts: [],
    matches: [{
      path: path === null ? null : { kind: "prefix", path },
      headers: [],
      queryParams: [],
      method: null,
    }],
    payload: readyFilters(filters),
  }]).find(head);
  if (claim === null || claim.payload === null) {
    throw new Error("no route or no filters");
  }
  return applyFilters(claim.payload, claim, head, () => random);
}

describe("header filters", () => {
  test("add, then set, then remove", () => {
    const head = requestHead("GET", "/a", { x: "1", y: "2", z: "3" });
    const answer = apply([{
      kind: "request-headers",
      add: [["x", "2"], ["n", "new"]],
      set: [["y", "set"]],
      remove: ["z", "none"],
    }], head);
    expect(answer).toBeNull();
    expect(linesOf(head.fields)).toEqual(["x: 1", "x: 2", "n: new", "y: set"]);
  });

  test("leave framing, connection and the mesh's own fields alone", () => {
    const head = requestHead("GET", "/a", { "l5d-orig-proto": "HTTP/1.1" });
    const names = [
      ...["host", "content-length", "connection", "transfer-encoding"],
      ...["l5d-client-id", ":path", "upgrade"],
    ];
    apply([{
      kind: "request-headers",
      add: names.map((name) => [name, "x"] as const),
      set: names.map((name) => [name, "y"] as const),
      remove: ["l5d-orig-proto", ...names],
    }], head);
    expect(linesOf(head.fields)).toEqual(["l5d-orig-proto: HTTP/1.1"]);
  });
});

test("response filters change the response alone, in their order", () => {
  const change = { add: [], set: [], remove: [] };
  const filters = readyFilters([
    { ...change, kind: "response-headers", set: [["x", "1"]] },
    { ...change, kind: "request-headers", set: [["y", "request"]] },
    {
      kind: "response-headers",
      add: [["x", "2"], ["set-cookie", "a=b"], ["content-length", "9"]],
      set: [["server", "mesh"]],
      remove: ["via", "l5d-proxy-error"],
    },
  ]);
  if (filters === null) throw new Error("no filters");
  const response = new ResponseHead("1.1", 200, [
    Field.of("x", "0"),
    Field.of("via", "1.1 a"),
    Field.of("l5d-proxy-error", "kept"),
  ]);
  applyToResponse(filters, response);
  expect(linesOf(response.fields)).toEqual([
    "l5d-proxy-error: kept",
    "x: 1",
    "x: 2",
    "set-cookie: a=b",
    "server: mesh",
  ]);
  expect(response.fields.find(({ secret }) => secret)?.name.text)
    .toBe("set-cookie");
  expect(readyFilters([])).toBeNull();
});

describe("redirects", () => {
  const location = (redirect: Partial<Redirect>) =>
    apply([{ ...REDIRECT, ...redirect }])?.location;

  test("change what they name, and keep the rest", () => {
    expect(location({ scheme: "https" })).toBe("https://web/a/b?q=1");
    expect(location({ scheme: "https", port: 8443 }))
      .toBe("https://web:8443/a/b?q=1");
    expect(location({ host: "other" })).toBe("http://other:8080/a/b?q=1");
    expect(location({ port: 80 })).toBe("http://web/a/b?q=1");
    expect(location({ path: { kind: "full", path: "/x" } }))
      .toBe("http://web:8080/x?q=1");
    expect(location({ path: { kind: "prefix", path: "/x/" } }))
      .toBe("http://web:8080/x/b?q=1");
    expect(location({ path: { kind: "prefix", path: "/" } }))
      .toBe("http://web:8080/b?q=1");
  });

  test("do nothing when the request is there already", () => {
    expect(apply([{ ...REDIRECT, host: "web" }])).toBeNull();
  });

  test("that name no place say their status all the same", () => {
    const nowhere = { scheme: null, host: null, port: null, path: null };
    expect(apply([{ ...REDIRECT, ...nowhere, status: 303 }])).toMatchObject({
      status: 303,
      location: "http://web:8080/a/b?q=1",
    });
  });

  test("of a prefix that no rule has matched are a failure", () => {
    const path = { kind: "prefix", path: "/x" } as const;
    expect(apply([{ ...REDIRECT, path }], undefined, null)?.status).toBe(500);
  });
});

test("failures strike as often as they say", () => {
  const failure = (numerator: number, denominator: number): HttpFailure => ({
    kind: "failure",
    status: 418,
    message: "no",
    ratio: { numerator, denominator },
  });
  const status = (filter: HttpFailure, random: number) =>
    apply([filter], undefined, "/a", random)?.status;
  expect(status(failure(1, 4), 0.2)).toBe(418);
  expect(status(failure(1, 4), 0.25)).toBeUndefined();
  expect(status(failure(1, 1), 0.999)).toBe(418);
  expect(status(failure(0, 0), 0.999)).toBe(418);
});
