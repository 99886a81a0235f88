import { Problem } from "../../schemas/problem.ts";
import type { Direction } from "../direction.ts";
import type { Target } from "./target.ts";

/** Calls back once there is a policy for a target that has none yet, or has none in time. */
export function whenKnown(
  target: Target,
  patienceMs: number,
  call: () => void,
): void {
  const timer = setTimeout(() => {
    forget();
    call();
  }, patienceMs);
  const forget = target.ready(() => {
    clearTimeout(timer);
    call();
  });
}

/** Why a target has no policy yet. */
export function unheardOf({ name }: Target): Problem {
  return new Problem("failfast", `nothing is known of ${name}`, {
    hint: "check that the control plane can be reached",
  });
}

/** The direction of a target that may be unknown when a request gives up waiting. */
export function onceKnown(target: Target, direction: Direction): Direction {
  const unknown = unheardOf(target);
  return {
    ...direction,
    route: (head) => target.policy === null ? unknown : target.route(head),
  };
}
