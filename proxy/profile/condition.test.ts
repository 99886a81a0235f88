import { expect, test } from "bun:test";
import type { RequestCondition } from "../../schemas/profile.ts";
import { Field, Name } from "../http/field.ts";
import { METHOD, PATH, RequestHead } from "../http/message.ts";
import { pathEndOf, requestTest } from "./condition.ts";

const encoder = new TextEncoder();

function means(
  condition: RequestCondition,
  path: string,
  method = "GET",
): boolean {
  const field = (name: Name, text: string) =>
    new Field(name, encoder.encode(text));
  const head = new RequestHead(
    "1.1",
    field(METHOD, method),
    field(PATH, path),
    [],
  );
  return requestTest(condition)(head, pathEndOf(head));
}

const path = (pattern: string) => ({ kind: "path", pattern } as const);

test("a pattern is of the whole path, without its query", () => {
  const book = path("/books/\\d+");
  expect(means(book, "/books/12")).toBe(true);
  expect(means(book, "/books/12?page=1")).toBe(true);
  expect(means(book, "/books/12/pages")).toBe(false);
  expect(means(book, "/shop/books/12")).toBe(false);
  expect(means(path("/\\?"), "/?")).toBe(false);
});

test("a pattern that goes back and forth elsewhere does not here", () => {
  expect(means(path("/(a+)+"), `/${"a".repeat(50_000)}!`)).toBe(false);
});

test("methods are told apart, and conditions put together", () => {
  const get = { kind: "method", method: "GET" } as const;
  const all = { kind: "all", conditions: [get, path("/a")] } as const;
  const any = { kind: "any", conditions: [get, path("/a")] } as const;
  const none = { kind: "not", condition: any } as const;
  const verdicts = (condition: RequestCondition) =>
    ([["/a", "GET"], ["/a", "PUT"], ["/b", "GET"], ["/b", "PUT"]] as const)
      .map(([path, method]) => means(condition, path, method));
  expect(verdicts(all)).toEqual([true, false, false, false]);
  expect(verdicts(any)).toEqual([true, true, true, false]);
  expect(verdicts(none)).toEqual([false, false, false, true]);
});
