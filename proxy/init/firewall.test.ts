import { describe, expect, test } from "bun:test";
import { chooseFirewall } from "./firewall.ts";

const having = (...programs: string[]) => (program: string): boolean =>
  programs.includes(program);

describe("chooseFirewall()", () => {
  test("takes the wanted mode when both its programs are there", () => {
    const all = having(
      ...["iptables-nft", "iptables-nft-save", "iptables", "iptables-save"],
    );
    expect(chooseFirewall("plain", "ipv4", all)?.command).toBe("iptables");
    expect(chooseFirewall("nft", "ipv4", all)?.save).toBe("iptables-nft-save");
  });

  test("falls back to nft, then plain, then legacy", () => {
    const nft = ["ip6tables-nft", "ip6tables-nft-save"];
    const plain = ["ip6tables", "ip6tables-save"];
    const legacy = ["ip6tables-legacy", "ip6tables-legacy-save"];
    const mode = (...programs: string[]): string | undefined =>
      chooseFirewall("legacy", "ipv6", having(...programs))?.mode;
    expect(mode(...nft, ...plain)).toBe("nft");
    expect(mode("ip6tables-nft", ...plain)).toBe("plain");
    expect(mode(...plain, ...legacy)).toBe("legacy");
    expect(chooseFirewall("nft", "ipv6", having(...legacy))?.mode).toBe(
      "legacy",
    );
  });

  test("never borrows a program of the other family", () => {
    const ipv4Only = having("iptables-nft", "iptables-nft-save");
    expect(chooseFirewall("nft", "ipv6", ipv4Only)).toBeNull();
  });
});
