import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { FOR_ANY_CLUSTER, FOR_OURS_ALONE } from "./given.ts";

test("of every file that needs pods it is said whether a given cluster can run it", async () => {
  const names = (await readdir(import.meta.dir))
    .filter((name) => name.endsWith(".test.ts"));
  const texts = await Promise.all(
    names.map((name) => Bun.file(join(import.meta.dir, name)).text()),
  );
  const withPods = names.filter((_, index) =>
    /from "\.\/(testing\/installed\.ts|node\/)/.test(texts[index] ?? "")
  );
  expect([...FOR_ANY_CLUSTER, ...Object.keys(FOR_OURS_ALONE)].toSorted())
    .toEqual(withPods.toSorted());
});
