import { contains, type Network, parseNetwork } from "../../address.ts";
import { Problem } from "../../problem.ts";
import type { FieldPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";

/** A network and what is left out of it, as in policies. */
export interface CidrRule {
  readonly cidr: string;
  readonly except?: readonly string[];
}

/** Networks can be read, and what is left out of one lies in it and is less than all of it. */
export function mistakesOfNetworks(
  networks: readonly CidrRule[],
  path: FieldPath,
): Mistake[] {
  return networks.flatMap(({ cidr, except = [] }, at) => {
    const outer = readNetwork(cidr);
    if (outer === null) return [unreadable([...path, at, "cidr"], cidr)];
    return except.flatMap((text, of): Mistake[] => {
      const where = [...path, at, "except", of];
      const inner = readNetwork(text);
      if (inner === null) return [unreadable(where, text)];
      if (covers(inner, outer)) {
        return [mistake(
          where,
          text,
          `less than all of ${cidr}`,
          "leave out a smaller network, or remove the entry",
        )];
      }
      if (covers(outer, inner)) return [];
      return [mistake(
        where,
        text,
        `a network inside ${cidr}`,
        "correct one of the two",
      )];
    });
  });
}

/** A network, or an address alone; null when the text is neither. */
export function readNetwork(text: string): Network | null {
  try {
    return parseNetwork(text);
  } catch (thrown) {
    if (thrown instanceof Problem) return null;
    throw thrown;
  }
}

function covers(outer: Network, inner: Network): boolean {
  return outer.prefixBits <= inner.prefixBits && contains(outer, inner.base);
}

function unreadable(path: FieldPath, text: string): Mistake {
  return mistake(
    path,
    text,
    "a network or an IP address",
    "write it as 10.0.0.0/8, 10.1.2.3 or fd00::/8",
  );
}
