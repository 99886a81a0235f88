import { expect, test } from "bun:test";
import { objectOf, serviceManifest } from "../testing/objects.ts";
import { createOwnership } from "./ownership.ts";
import { idOfObject, type Located } from "./parse.ts";

const at = (line: number, name: string, ip: string): Located => ({
  object: objectOf(serviceManifest(name, ip)),
  line,
});

function settled({ settle }: ReturnType<typeof createOwnership>): string[] {
  return settle().map(({ kind, object }) => `${kind} ${idOfObject(object)}`);
}

test("ownership: the first file holds, its edits count, and the next inherits", () => {
  const ownership = createOwnership();
  ownership.set("1", [at(1, "web", "10.0.0.1")]);
  ownership.set("2", [at(7, "web", "10.0.0.2"), at(9, "api", "10.0.0.3")]);
  expect(settled(ownership)).toEqual([
    "apply Service shop/web",
    "apply Service shop/api",
  ]);
  expect(ownership.conflicts()).toEqual([{
    id: "Service shop/web",
    owner: { file: "1", line: 1 },
    other: { file: "2", line: 7 },
  }]);
  ownership.set("1", [at(2, "web", "10.0.0.4")]);
  expect(settled(ownership)).toEqual(["apply Service shop/web"]);
  expect(ownership.conflicts()[0]?.owner).toEqual({ file: "1", line: 2 });
  ownership.set("1", []);
  expect(settled(ownership)).toEqual(["apply Service shop/web"]);
  expect(ownership.conflicts()).toEqual([]);
  ownership.set("2", []);
  expect(settled(ownership)).toEqual([
    "delete Service shop/web",
    "delete Service shop/api",
  ]);
  expect(ownership.size()).toBe(0);
});

test("ownership: what moves between files, or only lines, is no event", () => {
  const ownership = createOwnership();
  ownership.set("1", [at(1, "web", "10.0.0.1")]);
  expect(settled(ownership)).toHaveLength(1);
  ownership.set("2", [at(1, "web", "10.0.0.1")]);
  ownership.set("1", []);
  expect(settled(ownership)).toEqual([]);
  ownership.set("2", [at(40, "web", "10.0.0.1")]);
  expect(settled(ownership)).toEqual([]);
});
