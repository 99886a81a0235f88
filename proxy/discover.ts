import {
  contains,
  formatAddress,
  type Network,
  parseIp,
  type SocketAddress,
} from "../schemas/address.ts";
import type { Endpoint, Profile } from "../schemas/destination.ts";
import type {
  Backend,
  ClientPolicy,
  Distribution,
  HttpRoute,
} from "../schemas/client-policy.ts";
import type { Meta } from "../schemas/policy.ts";
import type { Control } from "./control.ts";
import type { Observer } from "./control/questions.ts";
import type { Watch } from "./control/watch.ts";
import {
  DEFAULT_LOAD,
  type ProfileInForce,
  profileInForce,
  withSplit,
} from "./discover/profile.ts";

export interface DiscoverOptions {
  readonly control: Control;
  /** Addresses for which a profile is asked. */
  readonly profileNetworks: readonly Network[];
  /** Protocol detection in policies that are made up here. */
  readonly detectTimeoutMs: number;
}

/**
 * How much longer than policy the profile of an address may take: a profile that only fails counts as none (facts 1.3),
 * and policy alone says all but what an endpoint of its own needs.
 */
const PROFILE_PATIENCE_MS = 1_000;

/** What the control plane has said of an address. `undefined`: nothing yet; null: it knows nothing. */
export interface Answers {
  policy: ClientPolicy | null | undefined;
  profile: Profile | null | undefined;
}

/** What requests are for: an address that an application dials, or `name:port`, which an ingress names. */
export type Destination = SocketAddress | string;

/**
 * Follows what is known of a destination: `next` hears each policy, the first when both answers are there, the
 * ServiceProfile that goes before its routes, and whether the destination has a profile at all.
 */
export function watchTarget(
  destination: Destination,
  options: DiscoverOptions,
  next: (
    policy: ClientPolicy,
    profile: ProfileInForce | null,
    profiled: boolean,
  ) => void,
): Watch {
  const { control, profileNetworks, detectTimeoutMs } = options;
  const profiled = hasProfile(destination, profileNetworks);
  const answers: Answers = {
    policy: undefined,
    profile: profiled ? undefined : null,
  };
  let patience: ReturnType<typeof setTimeout> | undefined;
  const update = () => {
    const policy = decide(answers, destination, detectTimeoutMs);
    if (policy !== null) {
      const profile = profileInForce(answers.profile, portOf(destination));
      const known = (answers.profile ?? null) !== null;
      return next(withSplit(policy, profile), profile, known);
    }
    if (answers.policy === undefined || answers.profile !== undefined) return;
    patience ??= setTimeout(() => {
      answers.profile ??= null;
      update();
    }, PROFILE_PATIENCE_MS);
  };
  const observe = <K extends keyof Answers>(
    name: K,
  ): Observer<NonNullable<Answers[K]>> => {
    return {
      next(snapshot) {
        answers[name] = snapshot;
        update();
      },
      refused() {
        // What was once known stays in use.
        answers[name] ??= null as Answers[K];
        update();
      },
    };
  };
  const open = [control.watchClientPolicy(destination, observe("policy"))];
  if (profiled) {
    const path = formatDestination(destination);
    open.push(control.watchProfile(path, observe("profile")));
  }
  return {
    close() {
      clearTimeout(patience);
      for (const watch of open) watch.close();
    },
  };
}

/**
 * The policy that holds, or null while an answer is missing. Without a client policy the profile's endpoint is used, and
 * without that the address itself (facts 1.3), or the endpoints of the name if it has a profile (facts 1.7); a profile
 * that says opaque wins over the policy's protocol.
 */
export function decide(
  answers: Answers,
  destination: Destination,
  detectTimeoutMs: number,
): ClientPolicy | null {
  const { policy, profile } = answers;
  if (policy === undefined || profile === undefined) return null;
  const known = policy ??
    makeUp(backendWithout(destination, profile), detectTimeoutMs);
  if (profile?.opaque !== true || !("opaque" in known.protocol)) return known;
  return {
    parent: known.parent,
    protocol: { kind: "opaque", opaque: known.protocol.opaque },
  };
}

/** Where requests go of which policy knows nothing. */
function backendWithout(
  destination: Destination,
  profile: Profile | null,
): Backend {
  const named = (name: string): Meta => ({ kind: "default", name });
  if (profile !== null && profile.endpoint !== null) {
    const { endpoint } = profile;
    return { kind: "forward", meta: named("endpoint"), endpoint };
  }
  if (typeof destination !== "string") {
    const endpoint = plainEndpoint(destination);
    return { kind: "forward", meta: named("fallback"), endpoint };
  }
  const meta = named(destination);
  return profile === null
    ? { kind: "nowhere", meta }
    : { kind: "balancer", meta, path: destination, load: DEFAULT_LOAD };
}

function makeUp(backend: Backend, detectTimeoutMs: number): ClientPolicy {
  const parent = backend.meta;
  return {
    parent,
    protocol: {
      kind: "detect",
      timeoutMs: detectTimeoutMs,
      http: { routes: [routeTo(backend)], accrual: null },
      opaque: {
        meta: parent,
        rule: { filters: [], backends: only(backend) },
      },
    },
  };
}

/** A route that takes every request to a backend. */
function routeTo(backend: Backend): HttpRoute {
  return {
    meta: backend.meta,
    hosts: [],
    rules: [{
      matches: [],
      filters: [],
      backends: only(backend),
      timeouts: { requestMs: null, responseMs: null, idleMs: null },
      retry: null,
      allowsRequestFields: false,
    }],
  };
}

function only(backend: Backend): Distribution<never> {
  return { kind: "first", backends: [{ backend, weight: 1, filters: [] }] };
}

function hasProfile(
  destination: Destination,
  networks: readonly Network[],
): boolean {
  if (typeof destination === "string") return true;
  const ip = parseIp(destination.ip);
  return ip !== null && networks.some((network) => contains(network, ip));
}

export function formatDestination(destination: Destination): string {
  return typeof destination === "string"
    ? destination
    : formatAddress(destination);
}

function portOf(destination: Destination): number {
  return typeof destination === "string"
    ? Number(destination.slice(destination.lastIndexOf(":") + 1))
    : destination.port;
}

/** An address of which nothing is known: reached as it is. */
function plainEndpoint(address: SocketAddress): Endpoint {
  return {
    address,
    weight: 10_000,
    labels: {},
    identity: null,
    protocolHint: "none",
    inboundPort: null,
    authorityOverride: null,
    http2: null,
  };
}
