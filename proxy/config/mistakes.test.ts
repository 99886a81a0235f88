import { describe, expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import { parseConfig } from "../config.ts";
import { environment } from "./testing/environment.ts";

function mistakes(
  changes: Readonly<Record<string, string | undefined>>,
): string[] {
  try {
    parseConfig(environment(changes));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    expect(error.code).toBe("config.invalid");
    const [title, ...lines] = error.message.split("\n");
    expect(title).toBe("Cannot start with this environment:");
    return lines.map((line) => line.trim().replace("LINKERD2_PROXY_", ""));
  }
  return [];
}

describe("parseConfig()", () => {
  const wrong: readonly (readonly [string, Record<string, string>, string])[] =
    [
      [
        "duration without unit",
        { OUTBOUND_CONNECT_TIMEOUT: "100" },
        'OUTBOUND_CONNECT_TIMEOUT is "100", expected a duration such as',
      ],
      [
        "address without port",
        { INBOUND_LISTEN_ADDR: "0.0.0.0" },
        'INBOUND_LISTEN_ADDR is "0.0.0.0", expected ip:port',
      ],
      [
        "IPv6 without brackets",
        { ADMIN_LISTEN_ADDR: "::1:4191" },
        'ADMIN_LISTEN_ADDR is "::1:4191", expected ip:port',
      ],
      [
        "two listeners of one family",
        { OUTBOUND_LISTEN_ADDRS: "127.0.0.1:1,127.0.0.2:1" },
        "OUTBOUND_LISTEN_ADDRS has 2 addresses, expected at most one IPv4",
      ],
      [
        "mistyped network",
        { DESTINATION_PROFILE_NETWORKS: "10.0.0.0/40" },
        'DESTINATION_PROFILE_NETWORKS is "10.0.0.0/40", expected a comma-sep',
      ],
      [
        "port out of range",
        { INBOUND_PORTS: "80,70000" },
        'INBOUND_PORTS is "80,70000", expected a comma-separated list',
      ],
      [
        "port range upside down",
        { INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION: "90-80" },
        'INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION is "90-80", expected',
      ],
      [
        "empty queue",
        { OUTBOUND_HTTP_QUEUE_CAPACITY: "0" },
        'OUTBOUND_HTTP_QUEUE_CAPACITY is "0", expected a whole number from 1',
      ],
      [
        "flag that is none",
        { SHUTDOWN_ENDPOINT_ENABLED: "yes" },
        'SHUTDOWN_ENDPOINT_ENABLED is "yes", expected true or false',
      ],
      [
        "back-off upside down",
        { INBOUND_CONNECT_EXP_BACKOFF_MIN: "20s" },
        "INBOUND_CONNECT_EXP_BACKOFF_MIN is 20000ms, expected more than 0",
      ],
      [
        "window beyond HTTP/2",
        { HTTP2_INITIAL_STREAM_WINDOW_SIZE: "2147483648" },
        'HTTP2_INITIAL_STREAM_WINDOW_SIZE is "2147483648", expected',
      ],
      [
        "unknown policy",
        { INBOUND_DEFAULT_POLICY: "open" },
        'INBOUND_DEFAULT_POLICY is "open", expected "deny" or "all-auth',
      ],
      [
        "cluster policy without networks",
        { INBOUND_DEFAULT_POLICY: "cluster-authenticated" },
        'INBOUND_DEFAULT_POLICY is "cluster-authenticated", expected LINKERD2',
      ],
      [
        "audit without networks",
        { INBOUND_DEFAULT_POLICY: "audit" },
        'INBOUND_DEFAULT_POLICY is "audit", expected LINKERD2',
      ],
      [
        "controller without name",
        { POLICY_SVC_ADDR: "10.0.0.9:8090" },
        "POLICY_SVC_NAME is not set, expected a DNS name",
      ],
      [
        "stream limits out of order",
        {
          CONTROL_STREAM_INITIAL_TIMEOUT: "10m",
          CONTROL_STREAM_IDLE_TIMEOUT: "5m",
        },
        "CONTROL_STREAM_INITIAL_TIMEOUT, LINKERD2_PROXY_CONTROL_STREAM_IDLE",
      ],
      [
        "log filter of an unknown level",
        { LOG: "linkerd=loud" },
        'LOG is "linkerd=loud", expected a log filter such as',
      ],
      [
        "identity that was not substituted",
        { IDENTITY_LOCAL_NAME: "$(_pod_sa).shop.example" },
        'IDENTITY_LOCAL_NAME is "$(_pod_sa).shop.example", expected a DNS',
      ],
      [
        "two identities",
        { IDENTITY_SERVER_ID: "a.example", IDENTITY_SERVER_NAME: "a.example" },
        "IDENTITY_LOCAL_NAME, LINKERD2_PROXY_IDENTITY_SERVER_ID, LINKERD2",
      ],
      [
        "half an identity",
        { IDENTITY_LOCAL_NAME: "", IDENTITY_SERVER_ID: "a.example" },
        "IDENTITY_LOCAL_NAME is not set, expected it, or both",
      ],
      [
        "a gateway to what is no domain",
        { INBOUND_GATEWAY_SUFFIXES: "svc.cluster.local.,*" },
        'INBOUND_GATEWAY_SUFFIXES is "svc.cluster.local.,*", expected',
      ],
      [
        "SPIRE",
        { IDENTITY_SPIRE_WORKLOAD_API_ADDRESS: "unix:/spire.sock" },
        "IDENTITY_SPIRE_WORKLOAD_API_ADDRESS asks for identity from SPIRE",
      ],
      [
        "no identity",
        { IDENTITY_DISABLED: "1" },
        "IDENTITY_DISABLED asks for a proxy without identity, which is not",
      ],
    ];
  for (const [what, changes, message] of wrong) {
    test(`refuses ${what}`, () => {
      const found = mistakes(changes);
      expect(found).toHaveLength(1);
      expect(found[0]).toStartWith(message);
    });
  }

  test("reports all mistakes together, with what is missing", () => {
    expect(
      mistakes({
        OUTBOUND_CONNECT_TIMEOUT: "soon",
        IDENTITY_DIR: "",
        POLICY_WORKLOAD: undefined,
        DESTINATION_SVC_ADDR: undefined,
        IDENTITY_DISABLED: "1",
      }).map((line) => line.split(",")[0]),
    ).toEqual([
      'OUTBOUND_CONNECT_TIMEOUT is "soon"',
      "DESTINATION_SVC_ADDR is not set",
      "POLICY_WORKLOAD is not set",
      "IDENTITY_DIR is not set",
      "IDENTITY_DISABLED asks for a proxy without identity",
    ]);
  });

  test("does not show a bundle that it cannot read", () => {
    expect(mistakes({ IDENTITY_TRUST_ANCHORS: "-----BEGIN secret" })).toEqual([
      "IDENTITY_TRUST_ANCHORS is 17 characters, expected one or more certificates in PEM",
    ]);
  });

  test("refuses to run with certificate verification switched off", () => {
    expect(() =>
      parseConfig({ ...environment(), NODE_TLS_REJECT_UNAUTHORIZED: "0" })
    ).toThrow("NODE_TLS_REJECT_UNAUTHORIZED is 0, expected it to be unset");
  });
});
