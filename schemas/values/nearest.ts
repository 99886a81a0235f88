import type { Schema } from "./check.ts";

/** Every path of keys a schema knows, `proxy.image.name` and `proxy.image` alike. */
export function keyPaths(schema: Schema, prefix = ""): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [
    `${prefix}${key}`,
    ...keyPaths(inner, `${prefix}${key}.`),
  ]);
}

/**
 * The known path a mistaken one most likely meant: the same last key elsewhere, else the one with the fewest letters
 * changed; none when more than a third of them would be.
 */
export function nearestKey(
  path: string,
  known: readonly string[],
): string | undefined {
  const last = lastKey(path).toLowerCase();
  const ranked = known.map((one) => {
    const sameKey = lastKey(one).toLowerCase() === last;
    return { one, distance: distance(path, one), sameKey };
  }).sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best !== undefined && best.distance <= path.length / 3) return best.one;
  return ranked.find(({ sameKey }) => sameKey)?.one;
}

function lastKey(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/** Letters to add, drop or change to get from one text to the other (Levenshtein), letter case aside. */
function distance(from: string, to: string): number {
  const a = from.toLowerCase();
  const b = to.toLowerCase();
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
