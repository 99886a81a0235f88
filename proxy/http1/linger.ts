import type { Channel } from "../channel.ts";
import { LINGER_MS } from "./limits.ts";

/**
 * Ends a channel: FIN behind all that is queued. The peer normally answers with its own, which closes the channel; if it
 * does not, the channel is destroyed after `LINGER_MS`, later while output still waits. Clear the interval on close.
 */
export function endGracefully(
  channel: Channel,
): ReturnType<typeof setInterval> {
  channel.end();
  return setInterval(() => {
    if (!channel.congested) channel.destroy();
  }, LINGER_MS);
}
