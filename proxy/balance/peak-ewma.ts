import type { Penalty } from "../../schemas/client-policy.ts";

/**
 * Load of one endpoint: an exponentially weighted estimate of its latency that jumps to peaks at once and forgets them
 * slowly, times the requests it has in hand. Semantics and defaults are Linkerd's (default 30 ms, decay 10 s).
 */
export class PeakEwma {
  /** Requests dispatched and not yet answered. */
  pending = 0;
  /** What a failed response counts as; null: what it took. */
  readonly penalty: Penalty | null;
  private estimateMs: number;
  private updatedAtMs: number;
  private readonly decayMs: number;

  constructor(
    defaultRttMs: number,
    decayMs: number,
    nowMs: number,
    penalty: Penalty | null = null,
  ) {
    this.estimateMs = defaultRttMs;
    this.decayMs = decayMs;
    this.updatedAtMs = nowMs;
    this.penalty = penalty;
  }

  /** Lower is better. It decays with time, so that an endpoint left alone is tried again. */
  cost(nowMs: number): number {
    // Linkerd's plain estimate takes being read for a sample of 0; its penalised one is only looked at (facts 4.8).
    if (this.penalty !== null) return this.decayed(nowMs) * (this.pending + 1);
    this.update(0, nowMs);
    return this.estimateMs * (this.pending + 1);
  }

  /** Takes one measured round trip into account. */
  sample(rttMs: number, nowMs: number): void {
    this.update(rttMs, nowMs);
  }

  /** Counts a response as `rttMs`, or as bad as it was before when that is worse. */
  punish(rttMs: number, nowMs: number): void {
    this.estimateMs = Math.max(rttMs, this.decayed(nowMs));
    this.updatedAtMs = Math.max(this.updatedAtMs, nowMs);
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

  private decayed(nowMs: number): number {
    const elapsedMs = nowMs - this.updatedAtMs;
    return elapsedMs > 0
      ? this.estimateMs * Math.exp(-elapsedMs / this.decayMs)
      : this.estimateMs;
  }
}
