import type { Family } from "./family.ts";
import { LABEL_VALUE_MAX } from "./labels.ts";

/** The value of a label for a name that somebody outside has chosen: the name itself, or `other`. */
export type Names = (name: string) => string;

/** Names told apart, for as long as the proxy runs: every client can make up new ones (decision 108). */
export const NAMES_MAX = 100;

/** What all further names are called. */
export const OTHER = "other";

/**
 * Tells the first names apart and calls all others `other`, so that a flood of names takes no other series' room in a
 * family. Each name that is not told apart counts as an overflow of `family`.
 */
export function createNames(
  family: Pick<Family, "overflow">,
  max = NAMES_MAX,
): Names {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return name;
    // A text of its own: a slice would keep all of a long one in memory.
    const own = name.length > LABEL_VALUE_MAX
      ? Buffer.from(name.slice(0, LABEL_VALUE_MAX)).toString()
      : name;
    if (known.has(own)) return own;
    if (known.size < max) {
      known.add(own);
      return own;
    }
    family.overflow();
    return OTHER;
  };
}
