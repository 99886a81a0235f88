import { expect, test } from "bun:test";
import { isWithin, plainName } from "./domain.ts";

const SUFFIXES = ["svc.cluster.local"];

test.each(
  [
    ["web.shop.svc.cluster.local", SUFFIXES, true],
    ["svc.cluster.local", SUFFIXES, true],
    ["web.shop.svc.cluster.local", ["example.org", ...SUFFIXES], true],
    ["evilsvc.cluster.local", SUFFIXES, false],
    ["svc.cluster.local.example.org", SUFFIXES, false],
    ["cluster.local", SUFFIXES, false],
    ["web.shop.svc.cluster.local", [], false],
    ["example.org", [""], true],
  ] as const,
)("%s below %p: %p", (name, suffixes, within) => {
  expect(isWithin(name, suffixes)).toBe(within);
});

test("names are compared without their case and final dot", () => {
  expect(plainName("Web.Shop.SVC.Cluster.Local."))
    .toBe("web.shop.svc.cluster.local");
});
