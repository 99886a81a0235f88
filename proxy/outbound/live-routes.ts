import type {
  ClientPolicy,
  ClientProtocol,
} from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Way } from "../direction.ts";
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
import {
  openOpaqueRoute,
  openTlsRoutes,
  refusing,
  type TcpWay,
} from "./tcp-routes.ts";
import type { TcpUpstream } from "./tcp-upstream.ts";

/** The routes of one target as its newest policy has them. */
export interface LiveRoutes {
  /** Which way a request takes; a Problem when it has none. */
  find(head: RequestHead): Way | Problem;
  /** Which way a connection takes that is not parsed; by server name when it is TLS that is passed on. */
  findTcp(sni: string | null): TcpWay;
  /** This policy is in force from now on, and this profile, when there is one. */
  follow(policy: ClientPolicy, profile: ProfileInForce | null): void;
  close(): void;
}

/** How backends are opened, and requests counted. */
export interface LiveRoutesOptions
  extends Pick<RoutesOptions, "random" | "hostnames"> {
  readonly openHttp: OpenBackend<Upstream>;
  /** For bytes that are not parsed. */
  readonly openTcp: OpenBackend<TcpUpstream>;
  /** For TLS that is passed on. */
  readonly openTls: OpenBackend<TcpUpstream>;
  readonly families: RoutesOptions["families"] & {
    readonly profile: ProfileFamilies;
  };
}

/** Routes of a target of which no policy is known yet. */
export function createLiveRoutes(options: LiveRoutesOptions): LiveRoutes {
  const { random, families, hostnames } = options;
  const backends = createBackends(options.openHttp);
  const tcpOptions = { backends: createBackends(options.openTcp), random };
  const tlsOptions = { backends: createBackends(options.openTls), random };
  const http = createSlot((protocol: Routed, parent) =>
    protocol.kind === "profile"
      ? openProfile(protocol.profile, parent, {
        backends,
        random,
        families: families.profile,
      })
      : openRoutes(protocol, parent, { backends, random, families, hostnames })
  );
  const tcp = createSlot((protocol: BytesProtocol, parent) =>
    protocol.kind === "tls"
      ? openTlsRoutes(protocol.tls, parent, tlsOptions)
      : openOpaqueRoute(protocol.opaque, parent, tcpOptions)
  );
  return {
    find: (head) => http.get()?.find(head) ?? NO_ROUTE,
    findTcp: (sni) => tcp.get()?.find(sni) ?? NO_TCP_ROUTE,
    follow(policy, profile) {
      http.update(routedOf(policy, profile), policy.parent);
      tcp.update(bytesOf(policy), policy.parent);
    },
    close() {
      http.close();
      tcp.close();
    },
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
