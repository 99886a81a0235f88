import { expect, test } from "bun:test";
import type { Link } from "../stats/query/links.ts";
import { layOut } from "./graph.ts";

function link(source: string, target: string): Link {
  const owner = (name: string) => ({
    ...{ kind: "deployment", namespace: "shop", name },
  });
  return {
    source: owner(source),
    target: owner(target),
    ...{ success: 1, failure: 0, secured: 1, latencyMs: null },
    ...{ connections: 1, noTlsReasons: [] },
  };
}

/** Names by column, from left to right and top to bottom. */
function columnsOf(links: readonly Link[]): string[] {
  const columns = new Map<number, { name: string; y: number }[]>();
  for (const { owner: { name }, x, y } of layOut(links).nodes) {
    columns.set(x, [...columns.get(x) ?? [], { name, y }]);
  }
  return [...columns].sort(([a], [b]) => a - b).map(([, nodes]) =>
    nodes.sort((a, b) => a.y - b.y).map(({ name }) => name).join(" ")
  );
}

test("callers are left of all that they call, in the order of their callers", () => {
  const links = [
    ...[link("load", "web"), link("web", "zebra"), link("web", "api")],
    ...[link("zebra", "stock"), link("api", "orders"), link("web", "orders")],
  ];
  expect(columnsOf(links)).toEqual([
    "load",
    "web",
    "api zebra",
    "orders stock",
  ]);
  // The same picture, however the links come.
  expect(columnsOf(links.toReversed())).toEqual(columnsOf(links));
});

test("circles and calls to oneself end", () => {
  const links = [
    link("a", "b"),
    link("b", "c"),
    link("c", "a"),
    link("d", "d"),
  ];
  const { nodes, lines, width, height } = layOut(links);
  expect(nodes.length).toBe(4);
  expect(lines.length).toBe(4);
  for (const { x, y } of nodes) {
    expect(x).toBeWithin(0, width);
    expect(y).toBeWithin(0, height);
  }
});

test("nobody is a picture of nothing", () => {
  expect(layOut([]).nodes).toEqual([]);
});
