import { describe, expect, test } from "bun:test";
import type { Endpoint } from "../../schemas/destination.ts";
import { createEndpointFold } from "./endpoint-fold.ts";

function endpoint(ip: string, labels: Record<string, string> = {}): Endpoint {
  return {
    address: { ip, port: 80 },
    weight: 10_000,
    labels,
    identity: null,
    protocolHint: "none",
    inboundPort: null,
    authorityOverride: null,
    http2: null,
  };
}

const add = (...ips: string[]) =>
  ({ kind: "add", endpoints: ips.map((ip) => endpoint(ip)) }) as const;
const remove = (...ips: string[]) =>
  ({
    kind: "remove",
    addresses: ips.map((ip) => ({ ip, port: 80 })),
  }) as const;

describe("createEndpointFold()", () => {
  test("gathers what is added and forgets what is removed", () => {
    const { apply } = createEndpointFold();
    expect([...apply(add("1.1.1.1", "2.2.2.2"))?.keys() ?? []]).toEqual([
      "1.1.1.1:80",
      "2.2.2.2:80",
    ]);
    expect(apply(add("3.3.3.3"))?.size).toBe(3);
    expect([...apply(remove("1.1.1.1", "9.9.9.9"))?.keys() ?? []]).toEqual([
      "2.2.2.2:80",
      "3.3.3.3:80",
    ]);
  });

  test("gives snapshots that later updates do not change", () => {
    const { apply } = createEndpointFold();
    const before = apply(add("1.1.1.1"));
    apply(remove("1.1.1.1"));
    expect(before?.size).toBe(1);
  });

  test("lets the first Add of a new stream replace the set, and keeps it until then", () => {
    const { apply, opened } = createEndpointFold();
    apply(add("1.1.1.1", "2.2.2.2"));
    opened();
    expect(apply(remove("2.2.2.2"))).toBeNull();
    expect([...apply(add("2.2.2.2", "3.3.3.3"))?.keys() ?? []]).toEqual([
      "2.2.2.2:80",
      "3.3.3.3:80",
    ]);
    expect(apply(add("4.4.4.4"))?.size).toBe(3);
  });

  test("keeps an unchanged endpoint the same object and replaces a changed one", () => {
    const { apply, opened } = createEndpointFold();
    const first = apply(add("1.1.1.1"))?.get("1.1.1.1:80");
    opened();
    expect(apply(add("1.1.1.1"))?.get("1.1.1.1:80")).toBe(first);
    const changed = endpoint("1.1.1.1", { zone: "b" });
    const after = apply({ kind: "add", endpoints: [changed] });
    expect(after?.get("1.1.1.1:80")).toBe(changed);
  });

  test("empties the set when told that there are no endpoints", () => {
    const { apply } = createEndpointFold();
    apply(add("1.1.1.1"));
    expect(apply({ kind: "none", exists: true })?.size).toBe(0);
    apply(add("1.1.1.1"));
    expect(apply({ kind: "none", exists: false })?.size).toBe(0);
    expect(apply({ kind: "unknown" })).toBeNull();
  });
});
