import { expect, test } from "bun:test";
import { matches } from "./selector.ts";
import { parseSelector } from "./selector-text.ts";

const WEB = { app: "web", tier: "front", "app.kubernetes.io/name": "web" };

test.each([
  ["", true],
  ["app=web", true],
  ["app==web", true],
  ["app = web , tier=front", true],
  ["app=db", false],
  ["app!=db", true],
  ["app!=web", false],
  ["zone!=a", true],
  ["app in (web, db)", true],
  ["app in (db),tier", false],
  ["tier in (front),app=web", true],
  ["app notin (web,db)", false],
  ["zone notin (a)", true],
  ["app.kubernetes.io/name=web", true],
  ["tier", true],
  ["zone", false],
  ["!zone", true],
  ["!app", false],
  ["zone=", false],
])("%p of a pod of the web: %p", (text, expected) => {
  expect(matches(parseSelector(text), WEB)).toBe(expected);
});

test.each(["app=web=db", "app in web", "=web", "app>3", "a b", "app in (a"])(
  "%p is refused",
  (text) => expect(() => parseSelector(text)).toThrow("cannot read"),
);
