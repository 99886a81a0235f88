/** How many letters may differ in a suggestion: more is guessing. */
const MAX_DISTANCE = 2;

/** The candidate that is closest to a mistyped word, if one is close. */
export function nearest(
  word: string,
  candidates: readonly string[],
): string | undefined {
  let best: string | undefined;
  let least = MAX_DISTANCE + 1;
  for (const candidate of candidates) {
    const away = distance(word, candidate);
    if (away < least) [best, least] = [candidate, away];
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
