import type { Distribution } from "../../schemas/client-policy.ts";

/** Something to choose, now preferred or not. */
export interface Choice {
  readonly available: boolean;
}

export interface Weighted<C extends Choice> {
  readonly choice: C;
  readonly weight: number;
}

/**
 * Makes the choice between a rule's backends (facts 4.10): the first that is available, or one at random, by weight,
 * among those that are. When none is, one is chosen all the same, and says why. `nobody` stands for no choice at all:
 * none is listed, or all have weight 0.
 */
export function createChooser<C extends Choice>(
  kind: Distribution<unknown>["kind"],
  listed: readonly Weighted<C>[],
  nobody: () => C,
  random: () => number,
): () => C {
  const entries = kind === "random"
    ? listed.filter(({ weight }) => weight > 0)
    : listed;
  const [first] = entries;
  if (first === undefined) {
    const none = nobody();
    return () => none;
  }
  const { choice } = first;
  if (entries.length === 1) return () => choice;
  if (kind === "first") {
    return () =>
      entries.find(({ choice }) => choice.available)?.choice ?? choice;
  }
  const total = sumOf(entries);
  return () => {
    const drawn = draw(entries, total, random, choice);
    if (drawn.available) return drawn;
    const others = entries.filter(({ choice }) => choice.available);
    return draw(others, sumOf(others), random, drawn);
  };
}

/** One of the entries by weight; `none` of no entries. */
function draw<C extends Choice>(
  entries: readonly Weighted<C>[],
  total: number,
  random: () => number,
  none: C,
): C {
  let left = random() * total;
  let last = none;
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at];
    if (entry === undefined) break;
    last = entry.choice;
    left -= entry.weight;
    if (left < 0) break;
  }
  return last;
}

function sumOf(entries: readonly Weighted<Choice>[]): number {
  return entries.reduce((sum, { weight }) => sum + weight, 0);
}
