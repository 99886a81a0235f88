/** Bounds of the time between two requests for a certificate (`IDENTITY_MIN_REFRESH`, `IDENTITY_MAX_REFRESH`). */
export interface RefreshBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Share of the remaining lifetime after which a certificate is renewed (Linkerd's). */
const RENEW_AT = 0.7;
/** A bound longer than the certificate lives must not let it expire, as it would in Linkerd. */
const LATEST_AT = 0.9;
/** Shortest wait, however little lifetime is left. */
const FLOOR_MS = 1_000;

/** How long to wait before a certificate with so much lifetime left is renewed. */
export function refreshDelay(
  remainingMs: number,
  bounds: RefreshBounds,
): number {
  const wanted = Math.min(
    Math.max(RENEW_AT * remainingMs, bounds.minMs),
    bounds.maxMs,
  );
  return Math.max(Math.min(wanted, LATEST_AT * remainingMs), FLOOR_MS);
}
