import type { OutboundRoute } from "../../schemas/kube.ts";
import { judgeBackend } from "./backends.ts";
import type { RouteTarget } from "./client-routes.ts";
import type { State } from "./state.ts";

/** Targets remembered of a route: its parents (32 at most) and a port or two of each; who asks for any port fills no memory. */
const TARGETS_MAX = 64;

/** What a route was told as, and all that it was made from. */
interface Told {
  readonly route: unknown;
  readonly traffic: unknown;
  readonly settings: unknown;
  readonly refusals: string;
}

/** By route, and by what was called. */
const known = new WeakMap<OutboundRoute, Map<string, Told>>();

/**
 * The same object as last time while all that a route is told as depends on is the same, so that one edit among a
 * thousand rules is one route computed, compared and translated. Not for single addresses, of which there is no end.
 */
export function remember<R>(
  route: OutboundRoute,
  target: RouteTarget,
  state: State,
  tell: () => R,
): R {
  const { self, traffic } = target;
  if (self.kind !== "balancer") return tell();
  const { settings } = state;
  const refusals = refusalsOf(route, target, state);
  const byTarget = known.get(route) ?? new Map<string, Told>();
  known.set(route, byTarget);
  const last = byTarget.get(self.path);
  const isSame = last?.traffic === traffic && last.settings === settings &&
    last.refusals === refusals;
  // What is kept under a route and a target came from the same function before.
  if (last !== undefined && isSame) return last.route as R;
  const told = tell();
  if (byTarget.size >= TARGETS_MAX) byTarget.clear();
  byTarget.set(self.path, { route: told, traffic, settings, refusals });
  return told;
}

/** Why backends of the route cannot be sent to: all that other objects have to say about it. */
function refusalsOf(
  route: OutboundRoute,
  { parent }: RouteTarget,
  state: State,
): string {
  const refusals: string[] = [];
  for (const { backendRefs = [] } of route.spec.rules ?? []) {
    for (const ref of backendRefs) {
      const verdict = judgeBackend(ref, route, parent, state);
      refusals.push(verdict.kind === "refused" ? verdict.message : "");
    }
  }
  return refusals.join("\n");
}
