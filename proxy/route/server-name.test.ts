import { expect, test } from "bun:test";
import type { HostMatch } from "../../schemas/route.ts";
import { findByServerName } from "./server-name.ts";

const exact = (host: string): HostMatch => ({ kind: "exact", host });
const suffix = (of: string): HostMatch => ({ kind: "suffix", suffix: of });
const route = (name: string, ...snis: HostMatch[]) => ({ name, snis });

test("a server name has the route that names it, or the longest end of it, or any", () => {
  const routes = [
    route("any"),
    route("org", suffix(".org")),
    route("example", exact("other"), suffix(".Example.org")),
    route("example again", suffix(".example.org")),
    route("a", exact("A.example.org")),
    route("a again", exact("a.example.org")),
  ];
  for (
    const [name, found] of [
      ["a.example.org", "a"],
      ["A.EXAMPLE.org.", "a"],
      ["b.example.org", "example"],
      ["other", "example"],
      ["example.org", "org"],
      [".org", "any"],
      ["com", "any"],
    ] as const
  ) expect(findByServerName(routes, name)?.name).toBe(found);
});

test("a server name that nobody takes has none", () => {
  expect(findByServerName([], "a")).toBeNull();
  expect(findByServerName([route("b", exact("b"))], "a")).toBeNull();
});
