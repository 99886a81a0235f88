/**
 * Load of one endpoint: an exponentially weighted estimate of its latency that jumps to peaks at once and forgets them
 * slowly, times the requests it has in hand. Semantics and defaults are Linkerd's (default 30 ms, decay 10 s).
 */
export class PeakEwma {
  /** Requests dispatched and not yet answered. */
  pending = 0;
  private estimateMs: number;
  private updatedAtMs: number;
  private readonly decayMs: number;

  constructor(defaultRttMs: number, decayMs: number, nowMs: number) {
    this.estimateMs = defaultRttMs;
    this.decayMs = decayMs;
    this.updatedAtMs = nowMs;
  }

  /** Lower is better. Reading decays the estimate, so that an endpoint left alone is tried again. */
  cost(nowMs: number): number {
    this.update(0, nowMs);
    return this.estimateMs * (this.pending + 1);
  }

  /** Takes one measured round trip into account. */
  sample(rttMs: number, nowMs: number): void {
    this.update(rttMs, nowMs);
  }

  private update(rttMs: number, nowMs: number): void {
    // A clock that stands still or steps back must not weigh a sample twice.
    const elapsedMs = Math.max(0, nowMs - this.updatedAtMs);
    if (rttMs > this.estimateMs) {
      this.estimateMs = rttMs;
    } else {
      const kept = Math.exp(-elapsedMs / this.decayMs);
      this.estimateMs = this.estimateMs * kept + rttMs * (1 - kept);
    }
    this.updatedAtMs = Math.max(this.updatedAtMs, nowMs);
  }
}
