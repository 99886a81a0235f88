import { formatAddress, type SocketAddress } from "../../schemas/address.ts";
import type { ClientPolicy, ClientRoute } from "../../schemas/policy.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Habits } from "../detect/either-side.ts";
import { type DiscoverOptions, watchTarget } from "../discover.ts";
import type { Upstream } from "../endpoint.ts";
import { refuseAll, type Upstreams } from "./backend.ts";
import type { TargetRecorder } from "./target-recorder.ts";
import type { TcpUpstream } from "./tcp-upstream.ts";

/** An address that applications dial, with the live upstreams of its policy. */
export interface Target {
  readonly address: SocketAddress;
  /** Upstreams of the policy in force, opened when first asked for. */
  http(): Upstreams<Upstream>;
  tcp(): Upstreams<TcpUpstream>;
  /** The policy in force; null while none is known. */
  readonly policy: ClientPolicy | null;
  /** Calls back with the first policy; the function returned ends the wait. */
  ready(call: (policy: ClientPolicy) => void): () => void;
  readonly habits: Habits;
  readonly recorder: TargetRecorder;
  /** Must be called once by everybody who has taken the target. */
  release(): void;
}

export interface TargetsOptions {
  readonly discover: DiscoverOptions;
  /** How long an unused target is kept. */
  readonly idleMs: number;
  readonly openHttp: (
    route: ClientRoute,
    policy: ClientPolicy,
    address: SocketAddress,
  ) => Upstreams<Upstream>;
  readonly openTcp: (
    route: ClientRoute,
    policy: ClientPolicy,
    address: SocketAddress,
  ) => Upstreams<TcpUpstream>;
  readonly record: (address: SocketAddress) => TargetRecorder;
}

/**
 * Targets kept at once; beyond, a target lives as long as its connections. A process that dials more distinct addresses
 * within seconds is scanning.
 */
const MAX_CACHED = 10_000;

/** Looks targets up once for all connections to the same address, and keeps them while they are used and a little longer. */
export function createTargets(
  options: TargetsOptions,
): { take(address: SocketAddress): Target; close(): void } {
  const cached = new Map<string, Entry>();
  return {
    take(address) {
      const key = formatAddress(address);
      const known = cached.get(key);
      if (known !== undefined) return known.take();
      const entry = createEntry(address, options, () => {
        if (cached.get(key) === entry) cached.delete(key);
      });
      if (cached.size < MAX_CACHED) cached.set(key, entry);
      return entry.take();
    },
    close() {
      for (const entry of cached.values()) entry.close();
      cached.clear();
    },
  };
}

interface Entry {
  take(): Target;
  close(): void;
}

function createEntry(
  address: SocketAddress,
  options: TargetsOptions,
  evicted: () => void,
): Entry {
  let policy: ClientPolicy | null = null;
  const waiting = new Set<(policy: ClientPolicy) => void>();
  let users = 0;
  let idle: ReturnType<typeof setTimeout> | undefined;
  const http = createSlot(
    address,
    ({ protocol }) => "http" in protocol ? protocol.http : null,
    options.openHttp,
  );
  const tcp = createSlot(
    address,
    ({ protocol }) => "opaque" in protocol ? protocol.opaque : null,
    options.openTcp,
  );

  const recorder = options.record(address);
  const watch = watchTarget(address, options.discover, (next) => {
    policy = next;
    recorder.follow(next);
    http.update(next);
    tcp.update(next);
    const calls = [...waiting];
    waiting.clear();
    for (const call of calls) call(next);
  });
  const close = () => {
    clearTimeout(idle);
    watch.close();
    http.close();
    tcp.close();
    recorder.release();
  };
  const evict = () => {
    close();
    evicted();
  };
  const target: Target = {
    address,
    http: http.get,
    tcp: tcp.get,
    get policy() {
      return policy;
    },
    ready(call) {
      waiting.add(call);
      return () => void waiting.delete(call);
    },
    habits: { speaksFirst: false, speaksHttp: false },
    recorder,
    release() {
      if (--users === 0) idle = setTimeout(evict, options.idleMs);
    },
  };
  return {
    take() {
      clearTimeout(idle);
      users += 1;
      return target;
    },
    close,
  };
}

/**
 * Upstreams of one kind: opened on first use, kept while the route stays the same, opened anew when it changes. A policy
 * that no longer carries this kind of traffic leaves them as they were (facts 1.3).
 */
function createSlot<M>(
  address: SocketAddress,
  select: (policy: ClientPolicy) => ClientRoute | null,
  open: (
    route: ClientRoute,
    policy: ClientPolicy,
    address: SocketAddress,
  ) => Upstreams<M>,
): {
  get(): Upstreams<M>;
  update(policy: ClientPolicy): void;
  close(): void;
} {
  let known:
    | { readonly route: ClientRoute; readonly policy: ClientPolicy }
    | null = null;
  let upstreams: Upstreams<M> | null = null;
  const close = () => {
    upstreams?.close();
    upstreams = null;
  };
  return {
    get() {
      if (known === null) return refuseAll(NO_ROUTE);
      return upstreams ??= open(known.route, known.policy, address);
    },
    update(policy) {
      const route = select(policy);
      if (route === null) return;
      const before = known;
      known = { route, policy };
      if (
        before !== null &&
        JSON.stringify(route) !== JSON.stringify(before.route)
      ) close();
    },
    close,
  };
}

const NO_ROUTE = new Problem(
  "forbidden",
  "policy has no route for this traffic",
  {
    hint: "check the protocol that the Service's port declares",
  },
);
