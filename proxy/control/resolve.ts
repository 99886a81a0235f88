import { parseIp } from "../../schemas/address.ts";
import { Problem } from "../../schemas/problem.ts";

/** All addresses of a host; an IP is its own. Rejects with `connect.failed`. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/**
 * Asks the system's resolver, so that /etc/hosts and search domains count, anew each time: names of control planes move.
 * No SRV records: the headless Services of the control plane answer with the addresses of their pods.
 */
export async function resolveHost(host: string): Promise<readonly string[]> {
  if (parseIp(host) !== null) return [host];
  try {
    const found = await Bun.dns.lookup(host, { backend: "libc" });
    return found.map(({ address }) => address);
  } catch (cause) {
    throw new Problem("connect.failed", `Cannot resolve "${host}": not found`, {
      cause,
      hint: "check that the control plane runs and that DNS works in this pod",
    });
  }
}

/** In an order of its own for each proxy, so that they spread over replicas (Fisher and Yates). */
export function shuffle<T>(values: readonly T[], random: () => number): T[] {
  const mixed = [...values];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const [a, b] = [mixed[at], mixed[other]];
    if (a === undefined || b === undefined) break;
    mixed[at] = b;
    mixed[other] = a;
  }
  return mixed;
}
