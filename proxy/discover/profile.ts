import type {
  ClientPolicy,
  Distribution,
  Load,
  RouteBackend,
} from "../../schemas/client-policy.ts";
import type { Profile } from "../../schemas/destination.ts";
import type { Meta } from "../../schemas/policy.ts";
import type { ProfileRouting, ProfileTarget } from "../../schemas/profile.ts";

/** A ServiceProfile in force: HTTP is routed by it, and no route, retry, timeout or breaker of the policy holds (facts 1.3). */
export interface ProfileInForce {
  /** The Service's name and the port that is called. */
  readonly authority: string;
  readonly routing: ProfileRouting;
}

/** The ServiceProfile that goes before policy; null when there is none. */
export function profileInForce(
  profile: Profile | null | undefined,
  port: number,
): ProfileInForce | null {
  const routing = profile?.routing ?? null;
  if (profile === null || profile === undefined || routing === null) {
    return null;
  }
  return { authority: `${profile.fullyQualifiedName}:${port}`, routing };
}

/** Load parameters where policy says none (Linkerd's defaults). */
export const DEFAULT_LOAD: Load = {
  defaultRttMs: 30,
  decayMs: 10_000,
  penalty: null,
};

/** Where requests are sent, by weight: to somebody always. */
export interface Split extends Distribution<never> {
  readonly backends: readonly [
    RouteBackend<never>,
    ...readonly RouteBackend<never>[],
  ];
}

/** Where requests go: to the Service itself unless there are overrides that get something. */
export function splitOf({ authority, routing }: ProfileInForce): Split {
  const [first, ...rest] = routing.targets.filter(({ weight }) => weight > 0);
  if (first !== undefined) {
    return {
      kind: "random",
      backends: [toBackend(first), ...rest.map(toBackend)],
    };
  }
  const itself = { authority, weight: 1, backend: routing.parent };
  return { kind: "first", backends: [toBackend(itself)] };
}

function toBackend(
  { authority, weight, backend }: ProfileTarget,
): RouteBackend<never> {
  const meta: Meta = backend ?? { kind: "default", name: authority };
  return {
    backend: { kind: "balancer", meta, path: authority, load: DEFAULT_LOAD },
    weight,
    filters: [],
  };
}

/** Bytes are split by overrides too; without overrides policy says where they go. */
export function withSplit(
  policy: ClientPolicy,
  profile: ProfileInForce | null,
): ClientPolicy {
  const { protocol } = policy;
  if (profile === null || profile.routing.targets.length === 0) return policy;
  if (protocol.kind !== "detect" && protocol.kind !== "opaque") return policy;
  const meta = profile.routing.profile ?? protocol.opaque.meta;
  const rule = { filters: [], backends: splitOf(profile) };
  return { ...policy, protocol: { ...protocol, opaque: { meta, rule } } };
}
