import { describe, expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import { parseOptions } from "./options.ts";

const PORTS = ["-p", "4143", "-o", "4140"];

const refusal = (...argv: string[]): string => {
  try {
    parseOptions(argv);
  } catch (problem) {
    if (problem instanceof Problem) return problem.message;
  }
  return "accepted";
};

describe("parseOptions()", () => {
  test("reads what Linkerd's injector passes", () => {
    const options = parseOptions([
      ...["--firewall-bin-path", "iptables-nft"],
      ...["--firewall-save-bin-path", "iptables-nft-save", "--ipv6=false"],
      ...["--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140"],
      ...["--proxy-uid", "2102"],
      ...["--inbound-ports-to-ignore", "4190,4191,8000-8010"],
      ...[
        "--outbound-ports-to-ignore",
        "443",
        "--subnets-to-ignore=10.0.0.0/8",
      ],
      ...["--log-format", "json", "--log-level", "debug"],
    ]);
    expect(options).toEqual({
      redirection: {
        incomingProxyPort: 4143,
        outgoingProxyPort: 4140,
        proxyUid: 2102,
        proxyGid: null,
        portsToRedirect: [],
        inboundPortsToIgnore: [
          { from: 4190, to: 4190 },
          { from: 4191, to: 4191 },
          { from: 8000, to: 8010 },
        ],
        outboundPortsToIgnore: [{ from: 443, to: 443 }],
        subnetsToIgnore: ["10.0.0.0/8"],
        wait: false,
      },
      mode: "nft",
      ipv6: false,
      netns: null,
      closeWaitSecs: null,
      simulate: false,
      logFormat: "json",
      logLevel: "debug",
    });
  });

  test("has Linkerd's defaults", () => {
    const options = parseOptions([...PORTS, "-u", "-1", "--proxy-gid=0"]);
    expect(options.mode).toBe("legacy");
    expect(options.ipv6).toBeTrue();
    expect(options.redirection.proxyUid).toBeNull();
    expect(options.redirection.proxyGid).toBeNull();
  });

  test("reads short flags and repeated lists", () => {
    const { redirection } = parseOptions([
      ...["-p=1", "-o2", "-u", "3", "-g", "4", "-w", "-r", "80", "-r", "81,82"],
    ]);
    expect(redirection.incomingProxyPort).toBe(1);
    expect(redirection.outgoingProxyPort).toBe(2);
    expect([redirection.proxyUid, redirection.proxyGid]).toEqual([3, 4]);
    expect(redirection.portsToRedirect).toEqual([80, 81, 82]);
    expect(redirection.wait).toBeTrue();
  });

  test("lets the mode beat the program names", () => {
    const mode = (...argv: string[]): string =>
      parseOptions([...PORTS, ...argv]).mode;
    const programs = [
      ...["--firewall-bin-path", "iptables"],
      ...["--firewall-save-bin-path", "iptables-save"],
    ];
    expect(mode(...programs)).toBe("plain");
    expect(mode(...programs, "--iptables-mode", "nft")).toBe("nft");
    expect(mode("--firewall-save-bin-path", "iptables-nft-save")).toBe("nft");
  });

  test("names every mistake at once", () => {
    const text = refusal(
      ...["--wat", "-p", "99999", "--inbound-ports-to-ignore", "a,80,5-2"],
      ...["stray", "--iptables-mode", "iptables-nft", "--ipv6=maybe"],
      ...["--subnets-to-ignore", "10.0.0.0/33", "-u", "root", "--netns"],
    );
    for (
      const mistake of [
        "unknown flag --wat",
        '--incoming-proxy-port is "99999"',
        '--outgoing-proxy-port is ""',
        '--inbound-ports-to-ignore is "a"',
        '--inbound-ports-to-ignore is "5-2"',
        'unexpected "stray"',
        '--iptables-mode is "iptables-nft"',
        '--ipv6 is "maybe"',
        '--subnets-to-ignore is "10.0.0.0/33"',
        '--proxy-uid is "root"',
        "--netns needs a value",
      ]
    ) expect(text).toContain(mistake);
    expect(text).not.toContain('"80"');
  });

  test("refuses programs that are no pair", () => {
    expect(refusal(
      ...PORTS,
      ...["--firewall-bin-path", "iptables-nft"],
      ...["--firewall-save-bin-path", "iptables-save"],
    )).toContain('expected "iptables-nft-save"');
    expect(refusal(...PORTS, "--firewall-bin-path", "/sbin/iptables"))
      .toContain("expected iptables-nft, iptables-legacy or iptables");
  });
});
