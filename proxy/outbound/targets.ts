import type { SocketAddress } from "../../schemas/address.ts";
import type {
  ClientPolicy,
  ClientProtocol,
} from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Habits } from "../detect/either-side.ts";
import type { Way } from "../direction.ts";
import {
  type Destination,
  type DiscoverOptions,
  formatDestination,
  watchTarget,
} from "../discover.ts";
import type { ProfileInForce } from "../discover/profile.ts";
import type { Upstream } from "../endpoint.ts";
import type { RequestHead } from "../http/message.ts";
import type { ProfileFamilies } from "../record/profile.ts";
import { createBackends, type OpenBackend } from "./backends.ts";
import { openProfile } from "./profile.ts";
import {
  openRoutes,
  type RoutedProtocol,
  type RoutesOptions,
} from "./routes.ts";
import { type TargetRecorder, UNDIALLED } from "./target-recorder.ts";
import {
  openOpaqueRoute,
  openTlsRoutes,
  refusing,
  type TcpWay,
} from "./tcp-routes.ts";
import type { TcpUpstream } from "./tcp-upstream.ts";

/** What applications dial, or an ingress names, with the live routes of its policy. */
export interface Target {
  /** `ip:port` or `name:port`. */
  readonly name: string;
  /** Which way a request takes under the policy in force; a Problem when it has none. */
  route(head: RequestHead): Way | Problem;
  /** Which way a connection takes that is not parsed; by server name when it is TLS that is passed on. */
  routeTcp(sni: string | null): TcpWay;
  /** The policy in force; null while none is known. */
  readonly policy: ClientPolicy | null;
  /** Whether it has a profile, as all Services have and other names have not. */
  readonly profiled: boolean;
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
  /** `dialled`: for an address that an application dials, not for a name. */
  readonly openHttp: (
    ...of: [...Parameters<OpenBackend<Upstream>>, dialled: boolean]
  ) => ReturnType<OpenBackend<Upstream>>;
  readonly openTcp: OpenBackend<TcpUpstream>;
  /** For TLS that is passed on. */
  readonly openTls: OpenBackend<TcpUpstream>;
  readonly families: RoutesOptions["families"] & {
    readonly profile: ProfileFamilies;
  };
  readonly record: (address: SocketAddress) => TargetRecorder;
  readonly random: () => number;
  readonly hostnames: boolean;
}

/**
 * Targets kept at once; beyond, a target lives as long as its connections. A process that dials more distinct addresses
 * within seconds is scanning.
 */
const MAX_CACHED = 10_000;

/** Looks targets up once for all connections and requests to the same, and keeps them while they are used and a little longer. */
export interface Targets {
  take(destination: Destination): Target;
  close(): void;
}

export function createTargets(options: TargetsOptions): Targets {
  const cached = new Map<string, Entry>();
  return {
    take(destination) {
      const key = formatDestination(destination);
      const known = cached.get(key);
      if (known !== undefined) return known.take();
      const entry = createEntry(destination, options, () => {
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
  destination: Destination,
  options: TargetsOptions,
  evicted: () => void,
): Entry {
  let policy: ClientPolicy | null = null;
  let profiled = false;
  const waiting = new Set<(policy: ClientPolicy) => void>();
  let users = 0;
  let idle: ReturnType<typeof setTimeout> | undefined;
  const { random, families, hostnames } = options;
  const dialled = typeof destination !== "string";
  const httpOptions = {
    backends: createBackends<Upstream>((backend, accrual, parent) =>
      options.openHttp(backend, accrual, parent, dialled)
    ),
    families,
    random,
    hostnames,
  };
  const tcpOptions = { backends: createBackends(options.openTcp), random };
  const tlsOptions = { backends: createBackends(options.openTls), random };
  const http = createSlot((protocol: Routed, parent) =>
    protocol.kind === "profile"
      ? openProfile(protocol.profile, parent, {
        ...httpOptions,
        families: families.profile,
      })
      : openRoutes(protocol, parent, httpOptions)
  );
  const tcp = createSlot(
    (protocol: BytesProtocol, parent) =>
      protocol.kind === "tls"
        ? openTlsRoutes(protocol.tls, parent, tlsOptions)
        : openOpaqueRoute(protocol.opaque, parent, tcpOptions),
  );

  const recorder = dialled ? options.record(destination) : UNDIALLED;
  const watch = watchTarget(
    destination,
    options.discover,
    (next, profile, known) => {
      policy = next;
      profiled = known;
      recorder.follow(next);
      http.update(routedOf(next, profile), next.parent);
      tcp.update(bytesOf(next), next.parent);
      const calls = [...waiting];
      waiting.clear();
      for (const call of calls) call(next);
    },
  );
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
    name: formatDestination(destination),
    route: (head) => http.get()?.find(head) ?? NO_ROUTE,
    routeTcp: (sni) => tcp.get()?.find(sni) ?? NO_TCP_ROUTE,
    get policy() {
      return policy;
    },
    get profiled() {
      return profiled;
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

/** How requests are routed: by a ServiceProfile where there is one. */
type Routed =
  | RoutedProtocol
  | { readonly kind: "profile"; readonly profile: ProfileInForce };

function routedOf(
  { protocol }: ClientPolicy,
  profile: ProfileInForce | null,
): Routed | null {
  if (protocol.kind === "opaque" || protocol.kind === "tls") return null;
  return profile === null ? protocol : { kind: "profile", profile };
}

type BytesProtocol = Extract<
  ClientProtocol,
  { readonly kind: "detect" | "opaque" | "tls" }
>;

function bytesOf({ protocol }: ClientPolicy): BytesProtocol | null {
  return protocol.kind === "detect" || protocol.kind === "opaque" ||
      protocol.kind === "tls"
    ? protocol
    : null;
}

/**
 * Routes of one kind: opened on first use, kept while policy says the same, and otherwise replaced, the new ones first,
 * so that backends of both stay open. A policy that no longer carries this kind of traffic leaves them as they were
 * (facts 1.3).
 */
function createSlot<P, R extends { release(): void }>(
  open: (protocol: P, parent: Meta) => R,
): {
  get(): R | null;
  update(protocol: P | null, parent: Meta): void;
  close(): void;
} {
  let known: { readonly protocol: P; readonly parent: Meta } | null = null;
  let routes: R | null = null;
  let closed = false;
  return {
    get() {
      if (known === null || closed) return null;
      return routes ??= open(known.protocol, known.parent);
    },
    update(protocol, parent) {
      if (protocol === null) return;
      const now = { protocol, parent };
      if (Bun.deepEquals(now, known, true)) return;
      known = now;
      if (routes === null) return;
      const old = routes;
      routes = open(protocol, parent);
      old.release();
    },
    close() {
      closed = true;
      routes?.release();
      routes = null;
    },
  };
}

const NO_ROUTE = new Problem(
  "forbidden",
  "policy has no route for this traffic",
  {
    hint: "check the protocol that the Service's port declares",
  },
);
const NO_TCP_ROUTE = refusing({ kind: "default", name: "none" }, NO_ROUTE);
