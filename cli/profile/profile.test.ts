import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import { parseManifest } from "../../schemas/kube/manifest.ts";
import type { Outcome, World } from "../command.ts";
import { run } from "../program.ts";
import { readOpenApi } from "./open-api.ts";
import { readProto } from "./proto.ts";

async function profile(
  args: readonly string[],
  input = "",
): Promise<Outcome> {
  const world: World = {
    env: {},
    colour: false,
    terminal: false,
    print: () => {},
    readInput: () => Promise.resolve(new TextEncoder().encode(input)),
  };
  const result = await run(["profile", "--ignore-cluster", ...args], world);
  if ("code" in result) return result;
  throw new Error("an outcome was expected");
}

describe("linkerd profile", () => {
  test("--template is a profile of one route, with the rest in comments that are right too", async () => {
    const { stdout, stderr } = await profile([
      "--template",
      "-n",
      "shop",
      "web",
    ]);
    expect(stderr).toBe("");
    const [text = ""] = stdout ?? [];
    const route = {
      name: "/authors/{id}",
      condition: { method: "POST", pathRegex: "/authors/\\d+" },
      responseClasses: [{
        condition: { status: { min: 500, max: 599 } },
        isFailure: true,
      }],
    };
    expect(parse(text)).toEqual({
      apiVersion: "linkerd.io/v1alpha2",
      kind: "ServiceProfile",
      metadata: { name: "web.shop.svc.cluster.local", namespace: "shop" },
      spec: { routes: [route] },
    });
    const uncommented = text.replaceAll(
      /# (?=(timeout|isRetryable|retryBudget| {2}\w+):)/g,
      "",
    );
    expect(parse(uncommented).spec).toEqual({
      routes: [{ ...route, timeout: "300ms", isRetryable: true }],
      retryBudget: { retryRatio: 0.2, minRetriesPerSecond: 10, ttl: "10s" },
    });
    expect(parseManifest(parse(uncommented)).kind).toBe("object");
  });

  test("-o json is one document", async () => {
    const { stdout } = await profile(
      ["--proto", "-", "-o", "json", "web"],
      "service A { rpc Do (B) returns (C); }",
    );
    expect(JSON.parse(stdout?.[0] ?? "")).toMatchObject({
      metadata: { name: "web.default.svc.cluster.local" },
      spec: { routes: [{ name: "Do", condition: { pathRegex: "/A/Do" } }] },
    });
  });

  test.each([
    [
      ["web"],
      "You must specify exactly one of --template or --open-api or --proto",
    ],
    [["--template", "--proto", "x", "web"], "You must specify exactly one of"],
    [["--template"], 'invalid service ""'],
    [["--template", "1web"], 'invalid service "1web"'],
    [["--template", "web", "-n", "a.b"], 'invalid namespace "a.b"'],
    [["--template", "web", "-o", "toml"], "unknown output format: toml"],
    [
      ["--open-api", "-", "web"],
      "Cannot read standard input as OpenAPI: it is no map",
    ],
    [
      ["--proto", "-", "web"],
      "Cannot read standard input as protobuf: it has no service with methods",
    ],
    [["--open-api", "/nowhere", "web"], "Cannot read /nowhere"],
  ])("%p is refused", async (args, message) => {
    const { code, stderr } = await profile(args);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });
});

test("OpenAPI becomes routes by path and method, statuses become classes", () => {
  const text = `
swagger: "2.0"
basePath: /v1/
paths:
  /z: {get: {responses: {default: {}, x-note: {}}}}
  /a.b/{id}/{more}:
    parameters: []
    put: {x-linkerd-retryable: true, x-linkerd-timeout: 30s}
    get: {responses: {"503": {}, "200": {}}}
`;
  expect(readOpenApi(text, "x")).toEqual([
    {
      name: "GET /v1/a.b/{id}/{more}",
      condition: { method: "GET", pathRegex: "/v1/a\\.b/[^/]*/[^/]*" },
      responseClasses: [
        { condition: { status: { min: 200, max: 200 } } },
        { condition: { status: { min: 503, max: 503 } }, isFailure: true },
      ],
    },
    {
      name: "PUT /v1/a.b/{id}/{more}",
      condition: { method: "PUT", pathRegex: "/v1/a\\.b/[^/]*/[^/]*" },
      isRetryable: true,
      timeout: "30s",
    },
    {
      name: "GET /v1/z",
      condition: { method: "GET", pathRegex: "/v1/z" },
    },
  ]);
  expect(() => readOpenApi("{a: [}", "x")).toThrow("Cannot read x as OpenAPI");
});

test("the methods of a .proto become routes, whatever stands between them", () => {
  const text = `
syntax = "proto3"; // service Fake { rpc No (A) returns (B); }
/* package wrong; */
package shop.v1;
option go_package = "rpc { service";
message Book { string service = 1; message rpc {} }
service Books {
  option deprecated = true;
  rpc Get (Book) returns (stream Book) {
    option (google.api.http) = { get: "/v1/{name=books/*}" body: '}' };
    option idempotency_level = NO_SIDE_EFFECTS;
  }
  rpc Add (Book) returns (Book);
  rpc Put(Book) returns (Book) { option idempotency_level = IDEMPOTENT; }
  rpc Cut(Book) returns (Book) { option idempotency_level = IDEMPOTENCY_UNKNOWN; }
}
service Shelf { rpc Move(Book) returns (Book) {} }
`;
  expect(
    readProto(text, "x").map(({ name, condition, isRetryable }) =>
      `${name} ${condition.method} ${condition.pathRegex} ${
        isRetryable ?? false
      }`
    ),
  ).toEqual([
    "Get POST /shop\\.v1\\.Books/Get true",
    "Add POST /shop\\.v1\\.Books/Add false",
    "Put POST /shop\\.v1\\.Books/Put true",
    "Cut POST /shop\\.v1\\.Books/Cut false",
    "Move POST /shop\\.v1\\.Shelf/Move false",
  ]);
  expect(() => readProto("service A { rpc B (C) returns (D);", "x"))
    .toThrow("a brace is missing");
});
