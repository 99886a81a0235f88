import type { TapEvent, TapFilter, TapTarget } from "../schemas/tap.ts";

/**
 * Shows live requests of a target until `signal` aborts, then ends. Throws `request.invalid` at once, before it returns, for
 * what cannot be tapped; the iteration throws `connect.failed` when no proxy lets itself be tapped at all.
 */
export type Tapping = (
  target: TapTarget,
  filter: TapFilter,
  signal: AbortSignal,
) => AsyncIterable<TapEvent>;
