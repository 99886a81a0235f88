import type { PeakEwma } from "./peak-ewma.ts";

/** What the choice looks at. */
export interface Loaded {
  readonly load: PeakEwma;
}

/** Power of two choices: of two distinct random candidates the less loaded, the first when equal; null of none. */
export function choose<T extends Loaded>(
  candidates: readonly T[],
  nowMs: number,
  random: () => number,
): T | null {
  const count = candidates.length;
  if (count <= 1) return candidates[0] ?? null;
  const i = Math.floor(random() * count);
  const j = (i + 1 + Math.floor(random() * (count - 1))) % count;
  const first = candidates[i];
  const second = candidates[j];
  if (first === undefined || second === undefined) return null;
  return second.load.cost(nowMs) < first.load.cost(nowMs) ? second : first;
}
