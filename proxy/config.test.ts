import { describe, expect, test } from "bun:test";
import { parseConfig } from "./config.ts";
import { hasPort } from "./config/forms.ts";
import { anchors, environment, minimal } from "./config/testing/environment.ts";

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
    expect(config.tap).toEqual({
      listen: { ip: "0.0.0.0", port: 4190 },
      client: null,
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
      maxHeaderListBytes: undefined,
    });
    expect(outbound.informationalHeaders).toBe(true);
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
    expect(config.tap.client).toBe("tap.viz");
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

  test("counts requests by name when it is told that this is unsafe", () => {
    const labels = (value: string | undefined) =>
      parseConfig(environment({ INBOUND_METRICS_AUTHORITY_LABELS: value }))
        .inbound.authorityLabels;
    expect([undefined, "false", "unsafe"].map(labels))
      .toEqual([false, false, true]);
    expect(() => labels("true")).toThrow("expected unsafe");
  });

  test("warns of what it leaves undone", () => {
    const { warnings } = parseConfig(environment({
      INBOUND_DEFAULT_POLICY: "deny",
      DNS_MIN_TTL: "5s",
      CORES: "4",
      OUTBOUND_SERVER_HTTP2_ADAPTIVE_FLOW_CONTROL: "true",
    }));
    expect(warnings.map((line) => line.split(" ")[0])).toEqual([
      "LINKERD2_PROXY_OUTBOUND_SERVER_HTTP2_ADAPTIVE_FLOW_CONTROL",
      "LINKERD2_PROXY_CORES",
      "LINKERD2_PROXY_DNS_MIN_TTL",
    ]);
  });
});
