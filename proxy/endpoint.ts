import type { SocketAddress } from "../schemas/address.ts";
import type { Endpoint, Http2Params } from "../schemas/destination.ts";
import type { Member } from "./balance.ts";
import type { Breaker } from "./balance/breaker.ts";
import type { Outcome } from "./balance/outcome.ts";
import type { PeakEwma } from "./balance/peak-ewma.ts";
import { penalise } from "./balance/penalty.ts";
import type { EndpointContext } from "./endpoint/context.ts";
import { createOpener } from "./endpoint/opener.ts";
import { createHttp1Pool, type Lease } from "./http/http1-pool.ts";
import { createHttp2Link } from "./http/http2-link.ts";
import type { RequestHead } from "./http/message.ts";
import { isUpgraded } from "./http/orig-proto.ts";
import { type Http2Options, withProxies } from "./http2/options.ts";
import { HttpRecorder } from "./record/http.ts";
import type { TlsStatus } from "./record/labels.ts";

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
