import { describe, expect, test } from "bun:test";
import { parseConfig } from "../config.ts";
import { defaultServerPolicy } from "./policy.ts";
import { environment } from "./testing/environment.ts";

describe("defaultServerPolicy()", () => {
  const config = (defaultPolicy: string) =>
    parseConfig(environment({
      INBOUND_DEFAULT_POLICY: defaultPolicy,
      POLICY_CLUSTER_NETWORKS: "10.0.0.0/8",
    })).policy;

  test("admits any identity, or anyone, or nobody, by its name", () => {
    const of = (name: string) => {
      const { protocol, authorizations } = defaultServerPolicy(config(name), {
        detectTimeoutMs: 10_000,
      });
      const [first] = authorizations;
      return [
        protocol.kind,
        first?.networks.length,
        first?.authentication.kind,
      ];
    };
    expect(of("all-unauthenticated")).toEqual(["detect", 2, "unauthenticated"]);
    expect(of("all-authenticated")).toEqual(["detect", 2, "identities"]);
    expect(of("cluster-unauthenticated"))
      .toEqual(["detect", 1, "unauthenticated"]);
    expect(of("audit")).toEqual(["detect", 2, "unauthenticated"]);
    expect(of("deny")).toEqual(["opaque", undefined, undefined]);
  });

  test("names itself in metrics", () => {
    const { meta, authorizations } = defaultServerPolicy(
      config("audit"),
      "opaque",
    );
    expect(meta).toEqual({ group: "", kind: "default", name: "audit" });
    expect(authorizations[0]?.meta).toEqual(meta);
  });
});
