/** How the kernel's packet filter is programmed: through nftables, through the older tables, or by the system's choice. */
export type Mode = "nft" | "plain" | "legacy";

export type Family = "ipv4" | "ipv6";

/** The two programs that change and list the rules of one address family. */
export interface Firewall {
  readonly mode: Mode;
  readonly family: Family;
  readonly command: string;
  readonly save: string;
}

/** The order in which modes are tried when a program of the wanted one is missing (Linkerd's order). */
const FALLBACKS: readonly Mode[] = ["nft", "plain", "legacy"];

/** The programs of a mode, whether present or not. */
export function firewallOf(mode: Mode, family: Family): Firewall {
  const base = family === "ipv4" ? "iptables" : "ip6tables";
  const command = mode === "plain" ? base : `${base}-${mode}`;
  return { mode, family, command, save: `${command}-save` };
}

/** The wanted mode when both its programs are there, otherwise the first fallback that is complete, otherwise null. */
export function chooseFirewall(
  wanted: Mode,
  family: Family,
  isThere: (program: string) => boolean,
): Firewall | null {
  for (const mode of [wanted, ...FALLBACKS]) {
    const firewall = firewallOf(mode, family);
    if (isThere(firewall.command) && isThere(firewall.save)) return firewall;
  }
  return null;
}
