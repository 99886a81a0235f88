import { describe, expect, test } from "bun:test";
import { firewallOf } from "./firewall.ts";
import { listRules, planRules, type Redirection } from "./rules.ts";

const redirection: Redirection = {
  incomingProxyPort: 4143,
  outgoingProxyPort: 4140,
  proxyUid: 2102,
  proxyGid: null,
  portsToRedirect: [],
  inboundPortsToIgnore: [{ from: 4190, to: 4190 }, { from: 4191, to: 4191 }],
  outboundPortsToIgnore: [],
  subnetsToIgnore: [],
  wait: false,
};

const nft4 = firewallOf("nft", "ipv4");

const plan = (
  change: Partial<Redirection> = {},
  existing = "",
  firewall = nft4,
): string[] =>
  planRules({ ...redirection, ...change }, firewall, existing)
    .map((command) => command.join(" "));

const append = (chain: string, rest: string): string =>
  `iptables-nft -t nat -A ${chain} ${rest}`;

describe("planRules()", () => {
  test("makes Linkerd's chains, inbound before outbound", () => {
    expect(plan()).toEqual([
      "iptables-nft -t nat -N PROXY_INIT_REDIRECT",
      append(
        "PROXY_INIT_REDIRECT",
        "-p tcp --match multiport --dports 4190,4191 -j RETURN -m comment --comment proxy-init/ignore-port-4190,4191",
      ),
      append(
        "PROXY_INIT_REDIRECT",
        "-p tcp -j REDIRECT --to-port 4143 -m comment --comment proxy-init/redirect-all-incoming-to-proxy-port",
      ),
      append(
        "PREROUTING",
        "-j PROXY_INIT_REDIRECT -m comment --comment proxy-init/install-proxy-init-prerouting",
      ),
      "iptables-nft -t nat -N PROXY_INIT_OUTPUT",
      append(
        "PROXY_INIT_OUTPUT",
        "-m owner --uid-owner 2102 -j RETURN -m comment --comment proxy-init/ignore-proxy-user-id",
      ),
      append(
        "PROXY_INIT_OUTPUT",
        "-o lo -j RETURN -m comment --comment proxy-init/ignore-loopback",
      ),
      append(
        "PROXY_INIT_OUTPUT",
        "-p tcp -j REDIRECT --to-port 4140 -m comment --comment proxy-init/redirect-all-outgoing-to-proxy-port",
      ),
      append(
        "OUTPUT",
        "-j PROXY_INIT_OUTPUT -m comment --comment proxy-init/install-proxy-init-output",
      ),
    ]);
  });

  test("flushes chains that exist and adds no jump twice", () => {
    const existing = [
      "*nat",
      ":PREROUTING ACCEPT [0:0]",
      ":PROXY_INIT_REDIRECT - [0:0]",
      ":PROXY_INIT_OUTPUT - [0:0]",
      '-A PREROUTING -m comment --comment "proxy-init/install-proxy-init-prerouting" -j PROXY_INIT_REDIRECT',
      '-A OUTPUT -m comment --comment "proxy-init/install-proxy-init-output" -j PROXY_INIT_OUTPUT',
      "COMMIT",
    ].join("\n");
    const again = plan({}, existing);
    expect(again.filter((line) => / -[NF] /.test(line))).toEqual([
      "iptables-nft -t nat -F PROXY_INIT_REDIRECT",
      "iptables-nft -t nat -F PROXY_INIT_OUTPUT",
    ]);
    expect(again.filter((line) => line.includes("install-"))).toEqual([]);
    expect(again).toHaveLength(plan().length - 2);
  });

  test("repairs a half-made set: a chain without its jump", () => {
    const half = ":PROXY_INIT_REDIRECT - [0:0]\n";
    const lines = plan({}, half);
    expect(lines[0]).toBe("iptables-nft -t nat -F PROXY_INIT_REDIRECT");
    expect(lines.filter((line) => line.includes("install-"))).toHaveLength(2);
    expect(lines).toContain("iptables-nft -t nat -N PROXY_INIT_OUTPUT");
  });

  test("skips ports in groups that a rule can hold", () => {
    const many = Array.from({ length: 16 }, (_, at) => at + 1);
    const lines = plan({
      outboundPortsToIgnore: many.map((port) => ({ from: port, to: port })),
    });
    const skips = lines.filter((line) =>
      line.includes("OUTPUT -p tcp --match")
    );
    expect(skips.map((line) => line.split(" ")[10])).toEqual([
      "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
      "16",
    ]);
  });

  test("skips subnets of its own family only, by source, after the ports", () => {
    const subnetsToIgnore = ["10.0.0.0/8", "fd00::/8", "192.0.2.1"];
    const skips = (family: "ipv4" | "ipv6"): string[] =>
      plan({ subnetsToIgnore }, "", firewallOf("plain", family))
        .filter((line) => line.includes("ignore-subnet"));
    expect(skips("ipv4")).toEqual([
      "iptables -t nat -A PROXY_INIT_REDIRECT -p all -j RETURN -s 10.0.0.0/8 -m comment --comment proxy-init/ignore-subnet-10.0.0.0/8",
      "iptables -t nat -A PROXY_INIT_REDIRECT -p all -j RETURN -s 192.0.2.1 -m comment --comment proxy-init/ignore-subnet-192.0.2.1",
    ]);
    expect(skips("ipv6")).toEqual([
      "ip6tables -t nat -A PROXY_INIT_REDIRECT -p all -j RETURN -s fd00::/8 -m comment --comment proxy-init/ignore-subnet-fd00::/8",
    ]);
    expect(plan({ subnetsToIgnore })[2]).toContain("ignore-subnet-10.0.0.0/8");
  });

  test("redirects only the ports it is told to", () => {
    const lines = plan({ portsToRedirect: [80, 8080] });
    expect(lines.filter((line) => line.includes("--to-port 4143"))).toEqual([
      append(
        "PROXY_INIT_REDIRECT",
        "-p tcp --destination-port 80 -j REDIRECT --to-port 4143 -m comment --comment proxy-init/redirect-port-80-to-proxy-port",
      ),
      append(
        "PROXY_INIT_REDIRECT",
        "-p tcp --destination-port 8080 -j REDIRECT --to-port 4143 -m comment --comment proxy-init/redirect-port-8080-to-proxy-port",
      ),
    ]);
  });

  test("exempts a group after the user, and either only when given", () => {
    const owners = (change: Partial<Redirection>): string[] =>
      plan(change).filter((line) => line.includes("-m owner"))
        .map((line) => line.split(" ").slice(7, 9).join(" "));
    expect(owners({ proxyGid: 7 })).toEqual([
      "--uid-owner 2102",
      "--gid-owner 7",
    ]);
    expect(owners({ proxyUid: null })).toEqual([]);
  });

  test("waits for the lock in every command when asked", () => {
    const commands = plan({ wait: true });
    expect(commands.every((line) => line.startsWith("iptables-nft -w ")))
      .toBeTrue();
  });
});

test("listRules() reads the nat table with the pair of the command", () => {
  expect(listRules(firewallOf("legacy", "ipv6"))).toEqual([
    "ip6tables-legacy-save",
    "-t",
    "nat",
  ]);
});
