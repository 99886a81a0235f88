import { describe, expect, test } from "bun:test";
import { Problem } from "../schemas/problem.ts";
import { parseConfig } from "./config.ts";
import { defaultServerPolicy } from "./config/policy.ts";
import { hasPort } from "./config/side.ts";
import { createPki } from "./testing/pki.ts";

const { anchors } = createPki();
const minimal: Readonly<Record<string, string>> = {
  DESTINATION_SVC_ADDR: "linkerd-dst-headless.linkerd.svc.cluster.local.:8086",
  DESTINATION_SVC_NAME:
    "linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local",
  POLICY_SVC_ADDR: "localhost.:8090",
  IDENTITY_SVC_ADDR: "[::1]:8080",
  POLICY_WORKLOAD: '{"ns":"shop","pod":"web-1"}\n',
  IDENTITY_DIR: "/var/run/linkerd/identity/end-entity",
  IDENTITY_TRUST_ANCHORS: anchors,
  IDENTITY_TOKEN_FILE: "/var/run/secrets/tokens/linkerd-identity-token",
  IDENTITY_LOCAL_NAME: "web.shop.serviceaccount.identity.linkerd.cluster.local",
};

function environment(
  changes: Readonly<Record<string, string | undefined>> = {},
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries({ ...minimal, ...changes }).map(([name, value]) => [
      `LINKERD2_PROXY_${name}`,
      value,
    ]),
  );
}

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
  test("takes Linkerd's defaults", () => {
    const config = parseConfig(environment());
    const { inbound, outbound } = config;
    expect(inbound.listen).toEqual({ ip: "0.0.0.0", port: 4143 });
    expect(outbound.listen).toEqual([{ ip: "127.0.0.1", port: 4140 }]);
    expect(config.admin).toEqual({
      listen: { ip: "127.0.0.1", port: 4191 },
      shutdownEndpoint: false,
    });
    expect([inbound.connectTimeoutMs, outbound.connectTimeoutMs])
      .toEqual([300, 1_000]);
    expect([inbound.detectTimeoutMs, outbound.detectTimeoutMs])
      .toEqual([10_000, 10_000]);
    expect(inbound.httpQueue).toEqual({ capacity: 10_000, failfastMs: 1_000 });
    expect(outbound.httpQueue).toEqual({ capacity: 10_000, failfastMs: 3_000 });
    expect(outbound.tcpQueue).toEqual({ capacity: 10_000, failfastMs: 3_000 });
    expect(inbound.backoff).toEqual({ minMs: 100, maxMs: 10_000, jitter: 0.1 });
    expect(outbound.backoff.maxMs).toBe(60_000);
    expect([
      inbound.discoveryIdleTimeoutMs,
      outbound.discoveryIdleTimeoutMs,
    ]).toEqual([90_000, 5_000]);
    expect(inbound.accept).toEqual({
      keepAliveMs: undefined,
      userTimeoutMs: undefined,
    });
    expect(inbound.serverHttp2).toEqual({
      initialStreamWindowBytes: 65_535,
      initialConnectionWindowBytes: 1_048_576,
      keepAlive: null,
      maxConcurrentStreams: undefined,
      maxFrameBytes: undefined,
      maxHeaderListBytes: undefined,
      maxPendingAcceptResetStreams: undefined,
      maxSendBufferBytes: undefined,
    });
    expect(outbound.informationalHeaders).toBe(true);
    expect(outbound.hostnameLabels).toBe(false);
    expect(inbound.authorityLabels).toBe(false);
    expect(config.destination.profileSuffixes).toEqual(["svc.cluster.local"]);
    expect(config.identity.minRefreshMs).toBe(10_000);
    expect(config.identity.maxRefreshMs).toBe(86_400_000);
    expect(config.log.filter.text).toBe("warn,linkerd=info,hickory=error");
    expect(config.log.format).toBe("plain");
    expect(config.metricsRetainIdleMs).toBe(600_000);
    expect(config.shutdownGraceMs).toBe(120_000);
    expect(config.warnings).toEqual([
      'LINKERD2_PROXY_INBOUND_DEFAULT_POLICY is not set: taking "all-unauthenticated"',
    ]);
  });

  test("reads what Linkerd's injector writes", () => {
    const config = parseConfig(environment({
      CORES: "1",
      CORES_MIN: "1",
      INBOUND_PORTS_REQUIRE_TLS: "8080",
      LOG: "warn,linkerd=info,hickory=error,[{headers}]=off,[{request}]=off",
      DESTINATION_PROFILE_NETWORKS: "10.0.0.0/8,fd00::/8",
      POLICY_CLUSTER_NETWORKS: "10.0.0.0/8, fd00::/8",
      INBOUND_DEFAULT_POLICY: "cluster-authenticated",
      CONTROL_STREAM_INITIAL_TIMEOUT: "3s",
      CONTROL_STREAM_IDLE_TIMEOUT: "5m",
      CONTROL_STREAM_LIFETIME: "1h",
      INBOUND_CONNECT_TIMEOUT: "100ms",
      OUTBOUND_CONNECT_TIMEOUT: "1000ms",
      OUTBOUND_DETECT_TIMEOUT: "365d",
      CONTROL_LISTEN_ADDR: "0.0.0.0:4190",
      ADMIN_LISTEN_ADDR: "[::]:4191",
      OUTBOUND_LISTEN_ADDR: "127.0.0.1:4140",
      OUTBOUND_LISTEN_ADDRS: "127.0.0.1:4140,[::1]:4140",
      INBOUND_IPS: "10.0.0.7,fd00:0::7",
      INBOUND_PORTS: "11211,80,9090",
      INGRESS_MODE: "false",
      INBOUND_GATEWAY_SUFFIXES: "",
      DESTINATION_PROFILE_SUFFIXES: ".",
      INBOUND_ACCEPT_KEEPALIVE: "10000ms",
      INBOUND_ACCEPT_USER_TIMEOUT: "30s",
      INBOUND_SERVER_HTTP2_KEEP_ALIVE_INTERVAL: "10s",
      INBOUND_SERVER_HTTP2_KEEP_ALIVE_TIMEOUT: "3s",
      INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION: "25,587,3306,8000-8010",
      DESTINATION_CONTEXT:
        '{"ns":"shop", "nodeName":"node-1", "pod":"web-1"}\n',
      TAP_SVC_NAME: "tap.viz",
    }));
    const { inbound, outbound, control, destination } = config;
    // setTimeout() fires at once beyond this, so 365 days must not pass through.
    expect(outbound.detectTimeoutMs).toBe(2_147_483_647);
    expect(outbound.listen).toEqual([
      { ip: "127.0.0.1", port: 4140 },
      { ip: "::1", port: 4140 },
    ]);
    expect([...inbound.ips]).toEqual(["10.0.0.7", "fd00::7"]);
    expect(inbound.ports).toEqual([11211, 80, 9090]);
    expect(
      [3306, 8_005, 8_010, 8_011].map((port) =>
        hasPort(inbound.opaquePorts, port)
      ),
    ).toEqual([true, true, true, false]);
    expect(inbound.accept).toEqual({
      keepAliveMs: 10_000,
      userTimeoutMs: 30_000,
    });
    expect(inbound.serverHttp2.keepAlive)
      .toEqual({ intervalMs: 10_000, timeoutMs: 3_000 });
    expect(destination.profileSuffixes).toEqual([""]);
    expect(destination.profileNetworks).toHaveLength(2);
    expect(destination.context)
      .toBe('{"ns":"shop", "nodeName":"node-1", "pod":"web-1"}');
    expect(control.destination).toEqual({
      host: "linkerd-dst-headless.linkerd.svc.cluster.local",
      port: 8086,
      serverName: minimal["DESTINATION_SVC_NAME"] ?? "",
      stream: {
        initialTimeoutMs: 3_000,
        idleTimeoutMs: 300_000,
        lifetimeMs: 3_600_000,
      },
    });
    expect(config.policy.workload).toBe('{"ns":"shop","pod":"web-1"}');
    expect(config.identity.localName)
      .toBe("web.shop.serviceaccount.identity.linkerd.cluster.local");
    expect(config.warnings).toEqual([]);
  });

  test("takes control services on loopback for plaintext, without name or limits", () => {
    const { control } = parseConfig(
      environment({ CONTROL_STREAM_LIFETIME: "1h" }),
    );
    expect(control.policy).toEqual({
      host: "localhost",
      port: 8090,
      serverName: null,
      stream: {
        initialTimeoutMs: undefined,
        idleTimeoutMs: undefined,
        lifetimeMs: undefined,
      },
    });
    expect(control.identity).toMatchObject({ host: "::1", serverName: null });
  });

  test("lets the system choose a port", () => {
    const { inbound } = parseConfig(
      environment({ INBOUND_LISTEN_ADDR: "127.0.0.1:0" }),
    );
    expect(inbound.listen.port).toBe(0);
  });

  test("takes the identity from the newer pair of variables", () => {
    const { identity } = parseConfig(environment({
      IDENTITY_LOCAL_NAME: undefined,
      IDENTITY_SERVER_ID: "Web.Shop.example.",
      IDENTITY_SERVER_NAME: "web.shop.example",
    }));
    expect(identity.localName).toBe("web.shop.example");
  });

  test("leaves out trust anchors that cannot be read", () => {
    const { identity } = parseConfig(environment({
      IDENTITY_TRUST_ANCHORS:
        `-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n${anchors}`,
    }));
    expect(identity.trustAnchors).toBe(anchors);
  });

  test("warns of what it leaves undone", () => {
    const { warnings } = parseConfig(environment({
      INBOUND_DEFAULT_POLICY: "deny",
      ACCESS_LOG: "apache",
      TRACE_COLLECTOR_SVC_ADDR: "collector:4317",
      CORES: "4",
      OUTBOUND_SERVER_HTTP2_ADAPTIVE_FLOW_CONTROL: "true",
    }));
    expect(warnings.map((line) => line.split(" ")[0])).toEqual([
      "LINKERD2_PROXY_OUTBOUND_SERVER_HTTP2_ADAPTIVE_FLOW_CONTROL",
      "LINKERD2_PROXY_CORES",
      "LINKERD2_PROXY_ACCESS_LOG",
      "LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR",
    ]);
  });

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
        "ingress mode",
        { INGRESS_MODE: "true" },
        "INGRESS_MODE asks for ingress mode, which is not supported",
      ],
      [
        "gateway mode",
        { INBOUND_GATEWAY_SUFFIXES: "svc.cluster.local." },
        "INBOUND_GATEWAY_SUFFIXES asks for gateway mode, which is not",
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
        INGRESS_MODE: "true",
      }).map((line) => line.split(",")[0]),
    ).toEqual([
      'OUTBOUND_CONNECT_TIMEOUT is "soon"',
      "DESTINATION_SVC_ADDR is not set",
      "POLICY_WORKLOAD is not set",
      "IDENTITY_DIR is not set",
      "INGRESS_MODE asks for ingress mode",
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
