import { parseIp } from "../../schemas/address.ts";
import { Problem } from "../../schemas/problem.ts";

/** All addresses of a host; an IP is its own. Rejects with `connect.failed`. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/**
 * Asks the system's resolver, so that /etc/hosts and search domains count, anew each time: names of control planes move.
 * The dot that marks a name as complete is not part of it.
 */
export async function resolveHost(host: string): Promise<readonly string[]> {
  if (parseIp(host) !== null) return [host];
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  try {
    const found = await Bun.dns.lookup(name, { backend: "libc" });
    return found.map(({ address }) => address);
  } catch (cause) {
    throw new Problem("connect.failed", `Cannot resolve "${name}": not found`, {
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
