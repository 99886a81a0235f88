import { describe, expect, test } from "bun:test";
import type {
  Authentication,
  ServerPolicy,
  ServerProtocol,
} from "../schemas/policy.ts";
import { authorize, authorizeBytes, type Caller } from "./authorize.ts";
import { authorization, serverPolicy } from "./testing/policies.ts";

const ANYWHERE = ["0.0.0.0/0", "::/0"];
const ID = "web.shop.serviceaccount.identity.linkerd.cluster.local";

/** The name of the authorization that permits; null on denial. */
function permittedBy(policy: ServerPolicy, caller: Caller): string | null {
  const decision = authorize(policy, caller);
  return decision.kind === "permit" ? decision.by.name : null;
}

function identities(
  names: readonly string[],
  suffixes: readonly string[] = [],
): Authentication {
  return { kind: "identities", identities: new Set(names), suffixes };
}

const plain = (ip: string): Caller => ({ ip, tls: null });
const named = (id: string | null, ip = "10.0.0.9"): Caller => ({
  ip,
  tls: { id },
});

describe("authorize() by network", () => {
  const policy = serverPolicy([
    authorization(["10.0.0.0/8!10.1.0.0/16!10.2.3.4"]),
    authorization(["192.168.1.1", "fd00::/8"]),
  ]);
  const [wide, narrow] = policy.authorizations.map(({ meta }) => meta.name);

  test.each<readonly [string, string | null]>([
    ["10.0.0.1", wide ?? ""],
    ["10.255.255.255", wide ?? ""],
    ["10.1.2.3", null],
    ["10.2.3.4", null],
    ["10.2.3.5", wide ?? ""],
    ["192.168.1.1", narrow ?? ""],
    ["192.168.1.2", null],
    ["fd12::1", narrow ?? ""],
    ["2001:db8::1", null],
    ["127.0.0.1", "localhost"],
    ["::1", "localhost"],
    ["127.0.0.2", null],
    ["not an address", null],
  ])("a client at %s is permitted by %p", (ip, by) => {
    expect(permittedBy(policy, plain(ip))).toBe(by);
  });
});

describe("authorize() by authentication", () => {
  test.each<readonly [string, Authentication, Caller, boolean]>([
    ["anybody", { kind: "unauthenticated" }, plain("10.0.0.9"), true],
    ["any TLS, plaintext", { kind: "tls" }, plain("10.0.0.9"), false],
    ["any TLS, no name", { kind: "tls" }, named(null), true],
    ["a name, plaintext", identities([ID]), plain("10.0.0.9"), false],
    ["a name, no name", identities([ID]), named(null), false],
    ["a name, that name", identities([ID]), named(ID), true],
    ["a name, another", identities([ID]), named(`x${ID}`), false],
    ["a suffix", identities([], [".cluster.local"]), named(ID), true],
    ["a longer suffix", identities([], [`.a.${ID}`]), named(ID), false],
    [
      "a suffix, not at a dot",
      identities([], [".luster.local"]),
      named(ID),
      false,
    ],
    ["any name", identities([], [""]), named(ID), true],
    ["any name, no name", identities([], [""]), named(null), false],
    ["a URI", identities(["spiffe://a/b"]), named("spiffe://a/b"), true],
    ["a URI by suffix", identities([], ["/b"]), named("spiffe://a/b"), false],
    ["any name, a URI", identities([], [""]), named("spiffe://a/b"), true],
  ])("%s", (_what, authentication, caller, permitted) => {
    const policy = serverPolicy([authorization(ANYWHERE, authentication)]);
    expect(authorize(policy, caller).kind)
      .toBe(permitted ? "permit" : "denial");
  });

  const LONG = `${"a".repeat(63)}.`.repeat(4) + "cluster.local";

  test.each<readonly [string, Authentication, boolean]>([
    ["its whole length", identities([LONG]), true],
    ["all but its last letter", identities([LONG.slice(0, -1)]), false],
    ["its last label", identities([], [".local"]), true],
    ["all labels but one", identities([], [LONG.slice(63)]), true],
    ["more than it has", identities([], [`.${LONG}`]), false],
    ["a star that is a letter", identities(["*"]), false],
    ["a star in the middle", identities([`${"a".repeat(63)}.*`]), false],
  ])("a long name by %s", (_what, authentication, permitted) => {
    const policy = serverPolicy([authorization(ANYWHERE, authentication)]);
    expect(authorize(policy, named(LONG)).kind)
      .toBe(permitted ? "permit" : "denial");
  });

  test("and by network of either family, to the bit", () => {
    const policy = serverPolicy([
      authorization(["2001:db8::/33!2001:db8:0:1::/64", "10.0.0.8/31"]),
    ]);
    for (
      const [ip, permitted] of [
        ["2001:db8:7fff::1", true],
        ["2001:db8:8000::1", false],
        ["2001:db8:0:1::1", false],
        ["2001:db8:0:2::1", true],
        ["10.0.0.9", true],
        ["10.0.0.10", false],
      ] as const
    ) {
      expect({ ip, is: authorize(policy, plain(ip)).kind })
        .toEqual({ ip, is: permitted ? "permit" : "denial" });
    }
  });

  test("takes the first that fits, network and authentication together", () => {
    const policy = serverPolicy([
      authorization(["10.1.0.0/16"], identities([ID])),
      authorization(["10.0.0.0/8"], { kind: "tls" }),
      authorization(["10.0.0.0/9"]),
    ]);
    expect(permittedBy(policy, named(ID, "10.1.0.1"))).toBe("10.1.0.0/16");
    expect(permittedBy(policy, named(ID, "10.2.0.1"))).toBe("10.0.0.0/8");
    expect(permittedBy(policy, plain("10.1.0.1"))).toBe("10.0.0.0/9");
    expect(permittedBy(policy, plain("10.200.0.1"))).toBeNull();
  });

  test("permits nobody but the pod itself without authorizations", () => {
    expect(permittedBy(serverPolicy([]), named(ID))).toBeNull();
    expect(permittedBy(serverPolicy([]), plain("127.0.0.1"))).toBe("localhost");
  });
});

test.each<readonly [ServerProtocol["kind"], string]>([
  ["detect", "permit"],
  ["opaque", "permit"],
  ["tls", "permit"],
  ["http1", "denial"],
  ["http2", "denial"],
  ["grpc", "denial"],
])("authorizeBytes() on a port of %s is a %s", (kind, decision) => {
  const policy = serverPolicy([authorization(ANYWHERE)], kind);
  expect(authorizeBytes(policy, plain("10.0.0.9")).kind)
    .toBe(decision as "permit" | "denial");
});
