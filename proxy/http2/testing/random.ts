/** A small generator of numbers in [0, 1), so that a failure can be repeated (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 4294967296;
  };
}

/** The seed of fuzz tests: fixed, so that runs can be compared, unless FUZZ_SEED asks for another. */
export function fuzzSeed(): number {
  return Number(process.env["FUZZ_SEED"] ?? 42);
}

/** How long a fuzz test goes on: a second, or FUZZ_MS. */
export function fuzzMs(): number {
  return Number(process.env["FUZZ_MS"] ?? 1000);
}
