// docs/checks.md has a section for every check, and none for what is no check.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MODES } from "./modes.ts";
import { hintOf } from "./outcome.ts";

const page = readFileSync(
  join(import.meta.dir, "../../docs/checks.md"),
  "utf8",
);
/** Checks by anchor and description, in the order of the page. */
const written = page.split(/^#+ /m).flatMap((section) => {
  const anchor = /^<a id="([^"]+)"><\/a>/.exec(section)?.[1];
  if (anchor === undefined || anchor === "extensions") return [];
  expect(section, anchor).toMatch(/\*\*Cause\.\*\* .+\n\n\*\*Remedy\.\*\* ./);
  return [...section.matchAll(/^- `(.+)`$/gm)].map((match) =>
    `${anchor}: ${match[1]}`
  );
});
const known = Object.values(MODES).flat().flatMap(({ checks }) =>
  checks.map(({ anchor, description }) => `${anchor}: ${description}`)
);

test("every check has its section, and no section is without a check", () => {
  expect([...written].sort()).toEqual([...new Set(known)].sort());
});

test("an anchor stands once, and hints lead to it", () => {
  const anchors = [...page.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id);
  expect(anchors.length).toBe(new Set(anchors).size);
  expect(anchors).toContain("extensions");
  expect(hintOf("k8s-api")).toEndWith("/docs/checks.md#k8s-api");
});
