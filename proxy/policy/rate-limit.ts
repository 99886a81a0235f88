import type { RateLimit } from "../../schemas/policy.ts";

/** Which of the limits a request would exceed. */
export type Scope = "total" | "identity" | "override";

/** Counts requests against the limits of a port. */
export interface RateLimiter {
  readonly limit: RateLimit;
  /** Null when the request may pass, which it is then counted as; `nowMs` never goes back. */
  admit(identity: string | null, nowMs: number): Scope | null;
}

/** As long as this the right to send is saved up: a burst is one second's worth (facts 5.5). */
const TOLERANCE_MS = 1_000;
/** Identities followed per port, about 100 bytes each; of more only those are forgotten that have their full burst again. */
const MAX_IDENTITIES = 10_000;

/**
 * A generic cell rate algorithm: instead of tokens and a timer one number, the time at which the requests so far would
 * have been sent had they been sent evenly.
 */
class Bucket {
  private evenlyMs = -Infinity;
  private readonly intervalMs: number;

  constructor(perSecond: number) {
    this.intervalMs = perSecond > 0 ? 1_000 / perSecond : Infinity;
  }

  hasRoom(nowMs: number): boolean {
    return Math.max(this.evenlyMs, nowMs) + this.intervalMs <=
      nowMs + TOLERANCE_MS;
  }

  take(nowMs: number): void {
    this.evenlyMs = Math.max(this.evenlyMs, nowMs) + this.intervalMs;
  }

  isFull(nowMs: number): boolean {
    return this.evenlyMs <= nowMs;
  }
}

/** Makes the limits of a port ready to count, with full bursts. */
export function createRateLimiter(
  limit: RateLimit,
  maxIdentities = MAX_IDENTITIES,
): RateLimiter {
  const { identityPerSecond } = limit;
  const total = limit.totalPerSecond === null
    ? null
    : new Bucket(limit.totalPerSecond);
  const overrides = new Map<string, Bucket>();
  for (const { identities, perSecond } of limit.overrides) {
    for (const name of identities) {
      if (!overrides.has(name)) overrides.set(name, new Bucket(perSecond));
    }
  }
  const identities = new Map<string | null, Bucket>();

  const bucketOf = (
    name: string | null,
    perSecond: number,
    nowMs: number,
  ): Bucket => {
    const known = identities.get(name);
    if (known !== undefined) return known;
    if (identities.size >= maxIdentities) {
      for (const [idle, bucket] of identities) {
        if (bucket.isFull(nowMs)) identities.delete(idle);
      }
      // Nobody idle: those beyond share what clients without a name share.
      if (identities.size >= maxIdentities) name = null;
    }
    const bucket = identities.get(name) ?? new Bucket(perSecond);
    identities.set(name, bucket);
    return bucket;
  };

  return {
    limit,
    admit(identity, nowMs) {
      if (total?.hasRoom(nowMs) === false) return "total";
      const override = identity === null ? undefined : overrides.get(identity);
      const own = override ??
        (identityPerSecond === null
          ? null
          : bucketOf(identity, identityPerSecond, nowMs));
      if (own?.hasRoom(nowMs) === false) {
        return override === undefined ? "identity" : "override";
      }
      // Only what passes is counted: a client held back by its own limit takes nothing from the others' total.
      total?.take(nowMs);
      own?.take(nowMs);
      return null;
    },
  };
}

/** Whether two limits say the same, so that what has been counted may stay. */
export function isSameLimit(a: RateLimit, b: RateLimit): boolean {
  return describeLimit(a) === describeLimit(b);
}

function describeLimit({ overrides, ...rest }: RateLimit): string {
  return JSON.stringify([
    rest,
    overrides.map(({ perSecond, identities }) => [perSecond, [...identities]]),
  ]);
}
