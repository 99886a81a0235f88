/** Beyond this, the wall clock has been set: no rounding of milliseconds explains it. */
const SET_MS = 5;

/** Milliseconds since 1970 with fractions, which the wall clock alone does not have; spans of one request need them. */
export function createClock(
  wallMs: () => number,
  steadyMs: () => number,
): () => number {
  let offsetMs = wallMs() - steadyMs();
  return () => {
    const steady = steadyMs();
    const wall = wallMs();
    if (Math.abs(wall - steady - offsetMs) > SET_MS) offsetMs = wall - steady;
    return steady + offsetMs;
  };
}
