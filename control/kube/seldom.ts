/** Whether something is to be said: yes the first time, and then no more than once in a period. */
export type Seldom = (what: string, nowMs: number) => boolean;

/** Remembers what was said during the last period, and nothing older. */
export function createSeldom(periodMs: number): Seldom {
  const saidAtMs = new Map<string, number>();
  return (what, nowMs) => {
    // In the order in which they were said.
    for (const [old, atMs] of saidAtMs) {
      if (nowMs - atMs < periodMs) break;
      saidAtMs.delete(old);
    }
    if (saidAtMs.has(what)) return false;
    saidAtMs.set(what, nowMs);
    return true;
  };
}
