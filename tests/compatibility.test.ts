import { expect, test } from "bun:test";
import { PROXY_ANNOTATIONS } from "../install/inject/annotations.ts";
import { judge } from "./compatibility/effect.ts";
import { ownFlags } from "./compatibility/flags.ts";
import { POD_ANNOTATIONS } from "./compatibility/linkerd-annotations.ts";
import { formatPage } from "./compatibility/page.ts";
import { ownValues } from "./compatibility/values.ts";

/** Hundreds of installs are rendered. */
const TIMEOUT_MS = 60_000;
const PAGE = `${import.meta.dir}/../docs/compatibility.md`;

test(
  "docs/compatibility.md is what bun tests/compatibility/main.ts writes",
  async () => {
    expect(await Bun.file(PAGE).text()).toBe(formatPage());
  },
  TIMEOUT_MS,
);

/** Flags that Linkerd does not have, each with a decision of its own. */
const ADDED = [
  "authz --from-manifests", // 0089
  // 0176
  ...["authz", "edges", "routes", "stat", "stat-inbound", "stat-outbound"].map(
    (command) => `viz ${command} --watch`,
  ),
];

test("every flag, annotation and value of ours is one of Linkerd's, or added on purpose", () => {
  expect(ownFlags()).toEqual(ADDED);
  expect(ownValues()).toEqual([]);
  const known = new Set(POD_ANNOTATIONS.map(([key]) => key));
  expect(PROXY_ANNOTATIONS.filter(({ key }) => !known.has(key))).toEqual([]);
});

/** A pod's proxy with these variables. */
function proxy(variables: Readonly<Record<string, string>>): unknown {
  const env = Object.entries(variables).map(([name, value]) => ({
    name,
    value,
  }));
  return { initContainers: [{ name: "linkerd-proxy", env }] };
}

test("a setting counts when the proxy acts on what it changes", () => {
  const level = "LINKERD2_PROXY_LOG";
  const lacking = "LINKERD2_PROXY_DNS_MIN_TTL";
  const before = proxy({ [level]: "warn" });
  expect(judge(before, proxy({ [level]: "debug" }))).toEqual({ state: "done" });
  expect(judge(before, before).state).toBe("not yet");
  expect(judge(before, proxy({ [level]: "warn", [lacking]: "5s" })))
    .toEqual({
      state: "not yet",
      why:
        `${lacking} is ignored: names are resolved for each connection in this version`,
    });
  expect(
    judge(before, proxy({ [level]: "debug", [lacking]: "5s" }))
      .state,
  )
    .toBe("differs");
  expect(
    judge(before, proxy({ [level]: "warn", LINKERD2_PROXY_NOBODY: "1" })).why,
  ).toBe("the proxy does not read LINKERD2_PROXY_NOBODY");
});
