/** Keys remembered; a flood of different keys forgets the oldest. */
const KEYS_MAX = 256;
const WINDOW_MS = 1_000;

/**
 * A limit of `perSecond` events per key. The function returned takes a key and the time in ms; it answers null when the
 * event is over the limit, else how many were since the last one admitted.
 */
export function createLimiter(
  perSecond: number,
): (key: string, nowMs: number) => number | null {
  const windows = new Map<
    string,
    { startMs: number; admitted: number; suppressed: number }
  >();
  return (key, nowMs) => {
    let window = windows.get(key);
    if (window === undefined) {
      const oldest = windows.keys().next();
      if (windows.size >= KEYS_MAX && oldest.done !== true) {
        windows.delete(oldest.value);
      }
      window = { startMs: nowMs, admitted: 0, suppressed: 0 };
      windows.set(key, window);
    }
    if (nowMs - window.startMs >= WINDOW_MS) {
      window.startMs = nowMs;
      window.admitted = 0;
    }
    if (window.admitted >= perSecond) {
      window.suppressed += 1;
      return null;
    }
    window.admitted += 1;
    const { suppressed } = window;
    window.suppressed = 0;
    return suppressed;
  };
}
