/** Buckets of a window: what is older than the window leaves it in tenths (facts 4.9). */
const BUCKETS = 10;
/** Thresholds are compared in these steps, as whole numbers. */
const STEPS = 10_000;

/** Counts the answers of the last `windowMs`, and those of them that were good. */
export class AccrualWindow {
  private readonly good = new Float64Array(BUCKETS);
  private readonly all = new Float64Array(BUCKETS);
  private readonly bucketMs: number;
  /** Number of the bucket that counts now, since the beginning of time. */
  private current: number;
  private goodSum = 0;
  private allSum = 0;

  constructor(windowMs: number, nowMs: number) {
    this.bucketMs = windowMs / BUCKETS;
    this.current = Math.floor(nowMs / this.bucketMs);
  }

  add(good: boolean, nowMs: number): void {
    this.advance(nowMs);
    const at = this.current % BUCKETS;
    this.all[at] = (this.all[at] ?? 0) + 1;
    this.allSum += 1;
    if (!good) return;
    this.good[at] = (this.good[at] ?? 0) + 1;
    this.goodSum += 1;
  }

  /** Whether at least `minRequests` are in the window and less than `rate` of them, from 0 to 1, were good. */
  isBelow(rate: number, minRequests: number): boolean {
    return this.allSum >= minRequests &&
      this.goodSum * STEPS < Math.round(rate * STEPS) * this.allSum;
  }

  clear(): void {
    this.good.fill(0);
    this.all.fill(0);
    this.goodSum = 0;
    this.allSum = 0;
  }

  private advance(nowMs: number): void {
    const next = Math.floor(nowMs / this.bucketMs);
    if (next - this.current >= BUCKETS) {
      this.clear();
      this.current = next;
    }
    // A clock that steps back counts where it was.
    for (; this.current < next; this.current++) {
      const oldest = (this.current + 1) % BUCKETS;
      this.goodSum -= this.good[oldest] ?? 0;
      this.allSum -= this.all[oldest] ?? 0;
      this.good[oldest] = 0;
      this.all[oldest] = 0;
    }
  }
}
