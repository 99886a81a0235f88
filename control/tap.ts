import type { TapEvent, TapFilter, TapTarget } from "../schemas/tap.ts";

/**
 * Shows live requests of a target until `signal` aborts. Throws `request.invalid` for what cannot be tapped, before the first
 * event.
 */
export type Tapping = (
  target: TapTarget,
  filter: TapFilter,
  signal: AbortSignal,
) => AsyncIterable<TapEvent>;
