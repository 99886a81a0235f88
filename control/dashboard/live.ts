import type { TapEvent, TapFilter, TapTarget } from "../../schemas/tap.ts";

/**
 * Answers a visitor with live requests of a target until they go or `signal` aborts: lines of JSON, each of them one thing that
 * `show` makes of the events, and empty ones while there is nothing; `{"error": …}` is a last line. Who may not see them, and
 * what cannot be seen, is answered with a `Status` of Kubernetes.
 */
export type OpenLive<Visitor> = (
  visitor: Visitor,
  target: TapTarget,
  filter: TapFilter,
  signal: AbortSignal,
  show: (events: AsyncIterable<TapEvent>) => AsyncIterable<unknown>,
) => Promise<Response>;
