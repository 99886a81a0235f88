import {
  formatAddress,
  type HostPort,
  parseHostPort,
  type SocketAddress,
} from "../schemas/address.ts";
import type { Endpoint, Http2Params } from "../schemas/destination.ts";
import { Problem } from "../schemas/problem.ts";
import type { Member } from "./balance.ts";
import type { Breaker } from "./balance/breaker.ts";
import type { Outcome } from "./balance/outcome.ts";
import type { PeakEwma } from "./balance/peak-ewma.ts";
import { penalise } from "./balance/penalty.ts";
import { type ClientTls, dial } from "./connect.ts";
import {
  createHttp1Pool,
  type Lease,
  type PoolOptions,
} from "./http/http1-pool.ts";
import { type BackOff, createHttp2Link } from "./http/http2-link.ts";
import { HttpRecorder } from "./record/http.ts";
import { outboundDestinationLabels, outboundLabels } from "./record/traffic.ts";
import { TcpRecorder } from "./record/tcp.ts";
import type { Families } from "./record/families.ts";
import type { NoTlsReason, TlsStatus } from "./record/labels.ts";
import type { RequestHead } from "./http/message.ts";
import { isUpgraded } from "./http/orig-proto.ts";
import { type Http2Options, withProxies } from "./http2/options.ts";
import { meter, type SocketChannel } from "./socket.ts";
import type { TcpOptions } from "./socket-options.ts";
import type { Credentials } from "./tls.ts";
import {
  type TransportHeader,
  writeTransportHeader,
} from "./wire/transport-header.ts";

/** What reaching endpoints needs of the proxy. */
export interface EndpointContext {
  readonly credentials: () => Credentials | null;
  /** Addresses of our own pod: an endpoint there is reached in plaintext at the application's port. */
  readonly ownIps: ReadonlySet<string>;
  readonly connectTimeoutMs: number;
  readonly tcp: TcpOptions;
  readonly pool: PoolOptions;
  readonly backOff: BackOff;
  readonly http2: Http2Options;
  readonly families: Families;
  /** Why endpoints without an identity have none; by default because discovery names none. */
  readonly unidentified?: NoTlsReason;
}

/** Opens connections to one endpoint and counts them. */
export interface Opener {
  /** `session`: what the bytes will be. */
  open(session: TransportHeader["session"]): Promise<SocketChannel>;
  /** Labels of requests to it. */
  readonly requestLabels: string;
  readonly tls: TlsStatus;
  /** True when the endpoint is our own pod. */
  readonly local: boolean;
  close(): void;
}

/** Prepares to connect to an endpoint as its description says. */
export function createOpener(
  endpoint: Endpoint,
  authority: string | undefined,
  context: EndpointContext,
): Opener {
  const local = context.ownIps.has(endpoint.address.ip);
  const tls: TlsStatus = endpoint.identity === null || local
    ? {
      kind: "none",
      reason: local
        ? "loopback"
        : context.unidentified ?? "not_provided_by_service_discovery",
    }
    : { kind: "dialled", serverId: endpoint.identity.id };
  const labelled = {
    target: endpoint.address,
    tls,
    labels: endpoint.labels,
    ...(authority === undefined ? {} : { authority }),
  };
  const connections = new TcpRecorder(
    context.families.tcp,
    outboundDestinationLabels(labelled),
  );
  // The endpoint's owner and every connection hold the series: a tunnel may outlive the endpoint by days.
  let holders = 1;
  const letGo = () => {
    if (--holders === 0) connections.release();
  };
  return {
    requestLabels: outboundLabels(labelled),
    tls,
    local,
    async open(session) {
      holders += 1;
      try {
        const channel = await openEndpoint(
          endpoint,
          local,
          endpoint.protocolHint === "opaque" ? null : session,
          context,
        );
        meter(channel, connections);
        channel.whenClosed(letGo);
        return channel;
      } catch (error) {
        letGo();
        throw error;
      }
    },
    close: letGo,
  };
}

/** Who is at the far end of a request. */
export interface Peer {
  readonly address: SocketAddress;
  /** What the control plane says of it; null: it is an application of our own pod. */
  readonly labels: Endpoint["labels"] | null;
  readonly tls: TlsStatus;
}

/** Somewhere HTTP requests can be sent: an endpoint, or an application of our own pod. */
export interface Upstream extends Member {
  readonly peer: Peer;
  readonly endpoint:
    & Pick<Endpoint, "identity">
    & Partial<Pick<Endpoint, "authorityOverride">>;
  readonly recorder: HttpRecorder;
  /** Whether a request travels to it as HTTP/2 though it is HTTP/1. */
  upgrades(head: RequestHead): boolean;
  /** A connection for one request. `fresh` avoids one that may be closing. */
  acquire(head: RequestHead, fresh: boolean, lease: Lease): void;
  /**
   * Hears once how each request that was meant for it went, as soon as that is known. True: it has put its own figure
   * on the load, and the time that was taken is not to be sampled.
   */
  outcome(outcome: Outcome): boolean;
}

/** Connections for HTTP to one endpoint. `changed` hears every change of `ready`. */
export function createUpstream(
  endpoint: Endpoint,
  authority: string | undefined,
  load: PeakEwma,
  context: EndpointContext,
  changed: () => void,
  breaker: Breaker | null = null,
): Upstream {
  const opener = createOpener(endpoint, authority, context);
  const recorder = new HttpRecorder(
    context.families.http,
    opener.requestLabels,
  );
  const upgrading = endpoint.protocolHint === "h2" && !opener.local;
  const http2 = { ...context.http2, ...http2OptionsOf(endpoint.http2 ?? {}) };
  const link = createHttp2Link(
    () => opener.open("http2"),
    {
      eager: upgrading,
      backOff: context.backOff,
      http2: upgrading ? withProxies(http2) : http2,
    },
    changed,
  );
  const pool = createHttp1Pool(() => opener.open("http1"), context.pool);
  const upgrades = (head: RequestHead) => upgrading && !head.upgrade;

  return {
    endpoint: opener.local
      ? { ...endpoint, authorityOverride: null }
      : endpoint,
    peer: {
      address: endpoint.address,
      labels: endpoint.labels,
      tls: opener.tls,
    },
    load,
    recorder,
    // A connection for HTTP/1 is dialled inside the request: such an endpoint counts as ready (facts 4.6).
    get ready() {
      return !upgrading || link.ready;
    },
    upgrades,
    acquire(head, fresh, lease) {
      breaker?.sent();
      // What was not marked for the far proxy must not reach it as HTTP/2, whatever the endpoint could do.
      if (head.version === "2" || isUpgraded(head)) link.acquire(lease);
      else if (fresh) pool.acquireFresh(lease);
      else pool.acquire(lease);
    },
    outcome(outcome) {
      breaker?.answered(outcome);
      return penalise(load, outcome);
    },
    close() {
      link.close();
      pool.close();
      recorder.release();
      opener.close();
    },
  };
}

/** What an endpoint asks of HTTP/2 connections to it, instead of what is configured here (facts 4.6). */
function http2OptionsOf(params: Http2Params): Http2Options {
  const {
    keepAliveIntervalMs,
    keepAliveTimeoutMs,
    keepAliveWhileIdle = false,
    ...windows
  } = params;
  return keepAliveIntervalMs === undefined || keepAliveTimeoutMs === undefined
    ? windows
    : {
      ...windows,
      keepAlive: {
        keepAliveIntervalMs,
        keepAliveTimeoutMs,
        keepAliveWhileIdle,
      },
    };
}

/**
 * Dials an endpoint: mutual TLS when discovery named an identity, then the transport header when it has a proxy port, or is
 * a gateway to what its header names.
 */
async function openEndpoint(
  endpoint: Endpoint,
  local: boolean,
  session: TransportHeader["session"],
  context: EndpointContext,
): Promise<SocketChannel> {
  const { address, identity, inboundPort } = endpoint;
  if (isLoopback(address)) {
    throw new Problem(
      "connect.failed",
      `Cannot connect to ${formatAddress(address)}: it is a loopback address`,
      {
        hint: "a proxy reaches its own pod by the pod's address",
      },
    );
  }
  const beyond = local ? null : beyondOf(endpoint);
  const direct = inboundPort !== null || beyond !== null;
  const tls = identity === null || local
    ? null
    : clientTls(identity, direct, context.credentials());
  const channel = await dial(
    tls === null || inboundPort === null
      ? address
      : { ip: address.ip, port: inboundPort },
    {
      timeoutMs: context.connectTimeoutMs,
      tcp: context.tcp,
      tls,
    },
  );
  if (direct && tls !== null) {
    writeTransportHeader(channel.out, {
      port: beyond?.port ?? address.port,
      name: beyond?.host ?? "",
      session,
    });
    channel.flush();
  }
  return channel;
}

/** What is meant behind a gateway (facts 3.6); null when the endpoint itself is. */
function beyondOf({ authorityOverride, address }: Endpoint): HostPort | null {
  if (authorityOverride === null) return null;
  const beyond = parseHostPort(authorityOverride, address.port);
  if (beyond !== null) return beyond;
  throw new Problem(
    "protocol.invalid",
    `Cannot reach ${authorityOverride} through the gateway ${
      formatAddress(address)
    }: expected host:port`,
  );
}

function clientTls(
  peer: ClientTls["peer"],
  transportHeader: boolean,
  credentials: Credentials | null,
): ClientTls {
  if (credentials === null) {
    throw new Problem(
      "identity.unavailable",
      `Cannot connect to ${peer.id}: this proxy has no certificate yet`,
    );
  }
  return { credentials, peer, transportHeader };
}

function isLoopback(address: SocketAddress): boolean {
  return address.ip.startsWith("127.") || address.ip === "::1";
}
