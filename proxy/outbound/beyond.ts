import type { Direction } from "../direction.ts";
import type { Beyond } from "../gateway/beyond.ts";
import { BAD_DOMAIN } from "../gateway/domain.ts";
import { unheardOf, whenKnown } from "./known.ts";
import type { Target } from "./target.ts";
import { openTunnel } from "./tunnel.ts";

/**
 * The way to what a gateway's client asks for: as for an application here, except that it must have a profile, as every
 * Service has one. A name that has none is nobody's.
 */
export function createBeyond(
  target: Target,
  direction: Direction,
  patienceMs: number,
): Beyond {
  const unknown = unheardOf(target);
  return {
    get problem() {
      if (target.policy === null) return unknown;
      return target.profiled ? null : BAD_DOMAIN;
    },
    settled(call) {
      if (target.policy !== null) call();
      else whenKnown(target, patienceMs, call);
    },
    direction,
    async open(session) {
      const declared = session === "detect" ? session : null;
      return (await openTunnel(target.routeTcp(null), declared)).channel;
    },
    release: () => target.release(),
  };
}
