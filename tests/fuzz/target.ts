/** Numbers in [0, 1): all that a round of fuzzing depends on. */
export type Random = () => number;

/** One round of one target; throws when what it proves does not hold. */
export type Round = (random: Random) => void | Promise<void>;

/** Where a worker tells its watchdog which round it is in. */
export const PROGRESS_BYTES = 4;

/** What a worker is asked to do. */
export interface Work {
  readonly target: string;
  readonly seed: number;
  /** The only iteration to run; null for as many as time allows. */
  readonly iteration: number | null;
  readonly ms: number;
  /** `PROGRESS_BYTES`, the present iteration. */
  readonly progress: SharedArrayBuffer;
}

/** What became of it. */
export type Outcome =
  | { readonly kind: "done"; readonly rounds: number }
  | { readonly kind: "failed"; readonly text: string };

/** A whole number below a limit. */
export function pick(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** One of a list, which must not be empty. */
export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[pick(random, list.length)] as T;
}

/** Octets of any value. */
export function octets(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => pick(random, 256));
}

/** A copy with up to `most` octets changed, inserted or left out. */
export function mutate(
  random: Random,
  bytes: Uint8Array,
  most: number,
): Uint8Array {
  const list = [...bytes];
  for (let count = pick(random, most + 1); count > 0; count--) {
    const at = pick(random, list.length + 1);
    const kind = random();
    if (kind < 0.5) list[Math.min(at, list.length - 1)] = pick(random, 256);
    else if (kind < 0.75) list.splice(at, 0, pick(random, 256));
    else list.splice(at, 1 + pick(random, 3));
  }
  return Uint8Array.from(list);
}

/** Cuts at random places. */
export function* cut(random: Random, bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const size = 1 + pick(random, random() < 0.3 ? 3 : bytes.length);
    // A copy, as sockets give: whoever keeps the chunk itself is caught below.
    const chunk = bytes.slice(at, at + size);
    yield chunk;
    chunk.fill(0xee);
    at += size;
  }
}
