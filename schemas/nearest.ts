/** How many letters of a word may differ in a suggestion: more is guessing. */
const CHANGES_MAX = 2;

/** The candidate that takes the fewest letters to make of a mistyped word, letter case aside; none beyond `most`. */
export function nearest(
  word: string,
  candidates: readonly string[],
  most = CHANGES_MAX,
): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    const away = distance(word.toLowerCase(), candidate.toLowerCase());
    if (away < least && away <= most) [best, least] = [candidate, away];
  }
  return best;
}

/** Letters to insert, remove or replace to make one word of another (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [line, letter] of [...from].entries()) {
    const next = [line + 1];
    for (let at = 1; at <= to.length; at++) {
      const same = letter === to[at - 1] ? 0 : 1;
      next.push(Math.min(
        (row[at] ?? 0) + 1,
        (next[at - 1] ?? 0) + 1,
        (row[at - 1] ?? 0) + same,
      ));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
