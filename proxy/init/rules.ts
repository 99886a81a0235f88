import { parseNetwork } from "../../schemas/address.ts";
import type { Family, Firewall } from "./firewall.ts";
import { groupPorts, type PortRange } from "./ports.ts";

/** A program and its arguments. */
export type Command = readonly string[];

/** What goes through the proxy and what does not. */
export interface Redirection {
  readonly incomingProxyPort: number;
  readonly outgoingProxyPort: number;
  /** Packets of this user and group are the proxy's own and leave untouched. */
  readonly proxyUid: number | null;
  readonly proxyGid: number | null;
  /** The only inbound ports to redirect; none means all. */
  readonly portsToRedirect: readonly number[];
  readonly inboundPortsToIgnore: readonly PortRange[];
  readonly outboundPortsToIgnore: readonly PortRange[];
  /** Sources whose inbound connections are left alone, in CIDR notation, of both families. */
  readonly subnetsToIgnore: readonly string[];
  /** Wait for the lock of the tables instead of failing when another program holds it. */
  readonly wait: boolean;
}

const INBOUND = "PROXY_INIT_REDIRECT";
const OUTBOUND = "PROXY_INIT_OUTPUT";

/** The command that lists what `planRules` needs to know. */
export function listRules(firewall: Firewall): Command {
  return [firewall.save, "-t", "nat"];
}

/**
 * The commands that make one family's redirection, given what `listRules` printed. Chains, order and comments are
 * Linkerd's. Running the commands again leaves the same rules: a chain that exists is flushed, a jump is added once.
 */
export function planRules(
  redirection: Redirection,
  firewall: Firewall,
  existing: string,
): Command[] {
  const command = (
    action: readonly string[],
    rule: readonly string[],
    comment?: string,
  ): Command => [
    firewall.command,
    ...(redirection.wait ? ["-w"] : []),
    ...["-t", "nat"],
    ...action,
    ...rule,
    ...(comment === undefined
      ? []
      : ["-m", "comment", "--comment", `proxy-init/${comment}`]),
  ];
  const chain = (name: string, rules: readonly Rule[]): Command[] => [
    command([hasChain(existing, name) ? "-F" : "-N", name], []),
    ...rules.map((rule) => command(["-A", name], rule.match, rule.comment)),
  ];
  const jump = (from: string, to: string, comment: string): Command[] =>
    hasJump(existing, from, to)
      ? []
      : [command(["-A", from], ["-j", to], comment)];
  return [
    ...chain(INBOUND, inboundRules(redirection, firewall.family)),
    ...jump("PREROUTING", INBOUND, "install-proxy-init-prerouting"),
    ...chain(OUTBOUND, outboundRules(redirection)),
    ...jump("OUTPUT", OUTBOUND, "install-proxy-init-output"),
  ];
}

interface Rule {
  readonly match: readonly string[];
  readonly comment: string;
}

function inboundRules(redirection: Redirection, family: Family): Rule[] {
  const { incomingProxyPort: port, portsToRedirect } = redirection;
  return [
    ...ignorePorts(redirection.inboundPortsToIgnore),
    ...redirection.subnetsToIgnore
      .filter((subnet) => familyOf(subnet) === family)
      .map((subnet) => ({
        match: ["-p", "all", "-j", "RETURN", "-s", subnet],
        comment: `ignore-subnet-${subnet}`,
      })),
    ...(portsToRedirect.length === 0
      ? [{
        match: ["-p", "tcp", ...redirectTo(port)],
        comment: "redirect-all-incoming-to-proxy-port",
      }]
      : portsToRedirect.map((wanted) => ({
        match: [
          "-p",
          "tcp",
          "--destination-port",
          `${wanted}`,
          ...redirectTo(port),
        ],
        comment: `redirect-port-${wanted}-to-proxy-port`,
      }))),
  ];
}

function outboundRules(redirection: Redirection): Rule[] {
  const { outgoingProxyPort: port, proxyUid, proxyGid } = redirection;
  const ignoreOwner = (kind: "user" | "group", id: number | null): Rule[] =>
    id === null ? [] : [{
      match: [
        "-m",
        "owner",
        kind === "user" ? "--uid-owner" : "--gid-owner",
        `${id}`,
        "-j",
        "RETURN",
      ],
      comment: `ignore-proxy-${kind}-id`,
    }];
  return [
    ...ignoreOwner("user", proxyUid),
    ...ignoreOwner("group", proxyGid),
    { match: ["-o", "lo", "-j", "RETURN"], comment: "ignore-loopback" },
    ...ignorePorts(redirection.outboundPortsToIgnore),
    {
      match: ["-p", "tcp", ...redirectTo(port)],
      comment: "redirect-all-outgoing-to-proxy-port",
    },
  ];
}

function ignorePorts(ranges: readonly PortRange[]): Rule[] {
  return groupPorts(ranges).map((list) => ({
    match: [
      ...["-p", "tcp", "--match", "multiport", "--dports", list],
      ...["-j", "RETURN"],
    ],
    comment: `ignore-port-${list}`,
  }));
}

function redirectTo(port: number): readonly string[] {
  return ["-j", "REDIRECT", "--to-port", `${port}`];
}

function familyOf(subnet: string): Family {
  return parseNetwork(subnet).base.length === 4 ? "ipv4" : "ipv6";
}

function hasChain(existing: string, name: string): boolean {
  return existing.split("\n").some((line) => line.startsWith(`:${name} `));
}

function hasJump(existing: string, from: string, to: string): boolean {
  return existing.split("\n").some((line) =>
    line.startsWith(`-A ${from} `) && line.endsWith(`-j ${to}`)
  );
}
