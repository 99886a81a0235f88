import { expect, test } from "bun:test";
import { createHistories } from "./histories.ts";
import { HISTORY_MS } from "./pod-history.ts";

/** A page with so many counters. */
function page(series: number, value = 1): string {
  return Array.from(
    { length: series },
    (_, at) => `response_total{x="${at}"} ${value}\n`,
  ).join("");
}

function open() {
  const histories = createHistories();
  return {
    ...histories,
    add: (pod: string, text: string, nowMs = 0) =>
      histories.add(pod, { pod }, text, nowMs),
    update: (pods: readonly string[], nowMs = 0) =>
      histories.update(new Set(pods), nowMs),
    /** Numbers that are followed, by pod. */
    numbers: () =>
      new Map(
        [...histories.all()].map(({ labels, numbers }) =>
          [labels["pod"], numbers] as const
        ),
      ),
  };
}

const HOSTILE = page(20_000);

test("pods that take all they can leave others their share", () => {
  const { add, numbers } = open();
  add("early", page(200));
  const hostile = Array.from({ length: 40 }, (_, at) => `hostile-${at}`);
  for (const pod of hostile) {
    expect(add(pod, HOSTILE).overflow).toBeGreaterThan(0);
  }
  expect(add("early", page(400)).overflow).toBe(0);
  expect(add("late", page(1_000)).overflow).toBe(0);
  expect(add("greedy", page(1_001)).overflow).toBe(1);
  const taken = hostile.map((pod) => numbers().get(pod) ?? 0);
  expect(Math.max(...taken)).toBe(10_000);
  expect(taken.filter((count) => count > 1_000).length).toBeLessThan(15);
  expect(numbers().get("early")).toBe(400);
});

test("what a pod had more than its share is others' when it is gone", () => {
  const { add, update } = open();
  for (let at = 0; at < 20; at++) add(`hostile-${at}`, HOSTILE);
  expect(add("busy", page(5_000)).overflow).toBe(4_000);
  update(["busy"]);
  expect(add("busy", page(5_000)).overflow).toBe(0);
});

test("pods that come and go with all they can take have those forgotten that took most", () => {
  const { add, update, numbers } = open();
  add("web", page(200));
  update(["web"]);
  update([]);
  for (let at = 0; at < 40; at++) {
    update([`hostile-${at}`]);
    add(`hostile-${at}`, HOSTILE);
  }
  update([]);
  expect(numbers().get("web")).toBe(200);
  expect([...numbers().values()].reduce((sum, count) => sum + count))
    .toBeLessThan(250_000);
});

test("a pod that is gone is forgotten after an hour, and not when it comes back", () => {
  const { add, update, numbers } = open();
  for (const pod of ["web", "api"]) add(pod, page(1));
  update([]);
  update(["api"], HISTORY_MS);
  update(["api"], HISTORY_MS + 1);
  expect([...numbers().keys()]).toEqual(["api"]);
  update([], HISTORY_MS + 2);
  expect([...numbers().keys()]).toEqual(["api"]);
});
