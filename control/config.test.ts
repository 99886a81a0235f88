import { describe, expect, test } from "bun:test";
import { parseConfig } from "./config.ts";

const IDENTITY = ["identity", "--source=files", "--token-keys=/k"];
const DESTINATION = ["destination", "--source=files", "--manifests=/m"];

/** The mistakes of a command line, a line each. */
function mistakesOf(
  argv: readonly string[],
  env: Record<string, string> = {},
): string[] {
  try {
    parseConfig(argv, env);
    return [];
  } catch (error) {
    return String(error).split("\n").slice(1).map((line) => line.trim());
  }
}

describe("parseConfig()", () => {
  test("gives identity the defaults of Linkerd's chart", () => {
    expect(parseConfig(IDENTITY, {})).toEqual({
      program: "identity",
      address: { host: undefined, port: 8080 },
      adminAddress: { host: undefined, port: 9990 },
      log: { level: "info", format: "plain" },
      realm: { controlNamespace: "linkerd", trustDomain: "cluster.local" },
      lifetime: { lifetimeMs: 86_400_000, skewMs: 20_000 },
      issuer: {
        certificate: "/var/run/linkerd/identity/issuer/crt.pem",
        key: "/var/run/linkerd/identity/issuer/key.pem",
        anchors: "/var/run/linkerd/identity/trust-roots/ca-bundle.crt",
      },
      tokens: { kind: "files", keys: "/k" },
    });
  });

  test("gives destination the defaults of Linkerd's chart", () => {
    expect(parseConfig(DESTINATION, {})).toMatchObject({
      program: "destination",
      address: { host: undefined, port: 8086 },
      policyAddress: { host: undefined, port: 8090 },
      adminAddress: { host: undefined, port: 9996 },
      source: { kind: "files", manifests: "/m" },
      settings: {
        clusterDomain: "cluster.local",
        defaultInboundPolicy: "all-unauthenticated",
        ipv6: false,
        globalEgressNamespace: "linkerd-egress",
        allowsRequestFields: false,
      },
    });
    expect(parseConfig([
      ...DESTINATION,
      "--global-egress-network-namespace=out",
      "--allow-l5d-request-headers",
    ], {})).toMatchObject({
      settings: { globalEgressNamespace: "out", allowsRequestFields: true },
    });
  });

  test("takes values after a space or an equals sign, one dash or two, switches bare", () => {
    const config = parseConfig([
      ...IDENTITY,
      ...["-addr", "127.0.0.1:0", "--metrics-addr=[::1]:1"],
      ...["--identity-issuance-lifetime", "1h30m0s"],
      "--identity-clock-skew-allowance=0",
    ], {});
    expect(config).toMatchObject({
      address: { host: "127.0.0.1", port: 0 },
      adminAddress: { host: "::1", port: 1 },
      lifetime: { lifetimeMs: 5_400_000, skewMs: 0 },
    });
    expect(parseConfig([...DESTINATION, "--enable-ipv6"], {})).toMatchObject({
      settings: { ipv6: true },
    });
  });

  test("finds the API server of the pod's own cluster", () => {
    const env = {
      KUBERNETES_SERVICE_HOST: "10.96.0.1",
      KUBERNETES_SERVICE_PORT: "443",
    };
    expect(parseConfig(["identity"], env)).toMatchObject({
      tokens: { kind: "kube", server: { url: "https://10.96.0.1:443" } },
    });
  });

  test("reports all mistakes together", () => {
    const argv = [
      ...["identity", "--source=files", "--addr=nowhere", "--colour"],
      ...["--identity-issuance-lifetime=1y", "--identity-trust-domain=A_b"],
      ...["--controller-namespace=a.b", "--log-level=loud"],
      ...["--identity-scheme=mine", "--admin-addr=:99999", "--admin-addr=:1"],
    ];
    expect(mistakesOf(argv, { NODE_TLS_REJECT_UNAUTHORIZED: "0" })).toEqual([
      '"--colour": not a flag of this program',
      "--admin-addr: given twice",
      '--addr "nowhere": expected [ip]:port, such as :8086 or 127.0.0.1:8086',
      '--admin-addr ":99999": expected [ip]:port, such as :8086 or 127.0.0.1:8086',
      '--log-level "loud": expected one of debug, info, warn, error',
      '--identity-scheme "mine": expected one of linkerd.io/tls, kubernetes.io/tls',
      '--controller-namespace "a.b": expected a DNS label',
      '--identity-trust-domain "A_b": expected a DNS domain',
      '--identity-issuance-lifetime "1y": expected a duration, such as 24h0m0s or 20s',
      "--token-keys: missing; JWKS file that service-account tokens are verified with",
      "NODE_TLS_REJECT_UNAUTHORIZED=0: it would make TLS clients believe anyone; unset it",
    ]);
  });

  test("reads the API server of the pod it runs in, and no folder beside it", () => {
    const env = {
      KUBERNETES_SERVICE_HOST: "10.0.0.1",
      KUBERNETES_SERVICE_PORT: "443",
    };
    expect(parseConfig(["destination"], env)).toMatchObject({
      source: { kind: "kube", server: { url: "https://10.0.0.1:443" } },
    });
    expect(mistakesOf(["destination", "--manifests=/m"])).toEqual([
      "Cannot find the API server: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
      "--manifests: not used with --source kube",
    ]);
  });

  test("refuses modes that are not built, and lists that cannot be read", () => {
    const argv = [
      ...DESTINATION,
      ...["--outbound-transport-mode=transparent", "--enable-h2-upgrade=false"],
      ...["--cluster-networks=10.0.0.0/33", "--default-policy=none"],
      "--probe-networks=everywhere",
      ...["--default-opaque-ports=70000"],
    ];
    expect(mistakesOf(argv).map((line) => line.split(/[ :]/)[0])).toEqual([
      "--outbound-transport-mode",
      "--enable-h2-upgrade",
      "--cluster-networks",
      "--probe-networks",
      "--default-policy",
      "--default-opaque-ports",
    ]);
  });

  test("gives webhooks the ports that the install names", () => {
    expect(parseConfig(["policy-validator"], {})).toMatchObject({
      address: { port: 9443 },
      adminAddress: { port: 9990 },
      certificate: "/var/run/linkerd/tls",
    });
    expect(parseConfig(["sp-validator"], {})).toMatchObject({
      address: { port: 8443 },
      adminAddress: { port: 9997 },
    });
  });

  test("names its programs", () => {
    expect(() => parseConfig(["proxy"], {})).toThrow(
      'Cannot start "proxy": expected one of identity, destination, metrics, proxy-injector, policy-validator, sp-validator',
    );
    const help = parseConfig(["--help"], {});
    expect(help.program === "help" && help.text).toContain("--policy-addr");
  });
});
