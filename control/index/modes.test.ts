import { expect, test } from "bun:test";
import { formatIp, parseNetwork } from "../../schemas/address.ts";
import { authorizationsOf, INBOUND_MODES, parseInboundMode } from "./modes.ts";

test("authorizationsOf() permits networks and identities as each mode says", () => {
  const cluster = [parseNetwork("10.0.0.0/8")];
  const all = ["0.0.0.0", "::"];
  const cases: [mode: string, networks: string[], kind: string][] = [
    ["all-unauthenticated", all, "unauthenticated"],
    ["all-authenticated", all, "identities"],
    ["cluster-unauthenticated", ["10.0.0.0"], "unauthenticated"],
    ["cluster-authenticated", ["10.0.0.0"], "identities"],
    ["audit", all, "unauthenticated"],
  ];
  for (const [name, networks, kind] of cases) {
    const mode = parseInboundMode(name);
    if (mode === null) throw new Error(name);
    for (const requireIdentity of [false, true]) {
      const [permit] = authorizationsOf(mode, cluster, requireIdentity);
      expect(permit?.meta).toEqual({ group: "", kind: "default", name });
      expect(permit?.networks.map(({ network }) => formatIp(network.base)))
        .toEqual(networks);
      expect(permit?.authentication.kind as string)
        .toBe(requireIdentity ? "identities" : kind);
    }
  }
  // deno-lint-ignore no-boolean-literal-for-arguments -- with or without identity, nobody is let in
  expect(authorizationsOf("deny", cluster, true)).toEqual([]);
  expect(INBOUND_MODES).toHaveLength(cases.length + 1);
  expect(parseInboundMode("everyone")).toBeNull();
});
