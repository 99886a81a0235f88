import { expect, test } from "bun:test";
import { matches } from "./selector.ts";

test("matches() holds labels against a selector", () => {
  const labels = { app: "web", tier: "front" };
  const expression = (key: string, operator: string, values?: string[]) => ({
    matchExpressions: [{ key, operator, ...values ? { values } : {} }],
  });
  const cases: [selector: unknown, expected: boolean][] = [
    [{}, true],
    [{ matchLabels: { app: "web" } }, true],
    [{ matchLabels: { app: "web", tier: "back" } }, false],
    [expression("app", "In", ["api", "web"]), true],
    [expression("none", "In", ["web"]), false],
    [expression("app", "NotIn", ["web"]), false],
    [expression("none", "NotIn", ["web"]), true],
    [expression("tier", "Exists"), true],
    [expression("tier", "DoesNotExist"), false],
    [expression("constructor", "Exists"), false],
    [{ matchLabels: { app: "web" }, ...expression("none", "Exists") }, false],
  ];
  for (const [selector, expected] of cases) {
    expect({ selector, got: matches(selector as object, labels) })
      .toEqual({ selector, got: expected });
  }
});
