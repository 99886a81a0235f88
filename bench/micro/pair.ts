import type { Channel } from "../../proxy/channel.ts";
import type { InFlight } from "../../proxy/direction.ts";
import type { Upstream } from "../../proxy/endpoint.ts";
import { forward } from "../../proxy/forward.ts";
import { createEarly } from "../../proxy/http/early.ts";
import { createHttp1Pool } from "../../proxy/http/http1-pool.ts";
import { createHttp2Link } from "../../proxy/http/http2-link.ts";
import { serveHttp1 } from "../../proxy/http1/server.ts";
import { serveHttp2 } from "../../proxy/http2/server.ts";
import { createRequests } from "../../proxy/inbound/requests.ts";
import type { Port } from "../../proxy/inbound/ports.ts";
import { createInboundRecorder } from "../../proxy/inbound/recorder.ts";
import { createDirection } from "../../proxy/outbound/direction.ts";
import { createOutboundRecorder } from "../../proxy/outbound/recorder.ts";
import { PeakEwma } from "../../proxy/balance/peak-ewma.ts";
import { enforce } from "../../proxy/policy/enforcement.ts";
import { createRegistry } from "../../proxy/record.ts";
import { createFamilies } from "../../proxy/record/families.ts";
import { HttpRecorder } from "../../proxy/record/http.ts";
import { Taps } from "../../proxy/tap/taps.ts";
import { peerAt } from "../../proxy/testing/endpoints.ts";
import { backendOf, detectPolicy } from "../../proxy/testing/policies.ts";
import { targetTo } from "../../proxy/testing/target.ts";
import type { ServerPolicy } from "../../schemas/policy.ts";
import { createTurnChannels } from "./turn-channel.ts";

/** As in a proxy that may be tapped, and is not. */
const TAPS = new Taps();
const FAMILIES = createFamilies(createRegistry({ retainIdleMs: 600_000 }));
const BACK_OFF = { minMs: 100, maxMs: 500, jitter: 0 };
const POOL = { maxIdle: 10_000, idleMs: 600_000 };
const inFlight = (): InFlight => ({ count: 0, max: 100_000 });

/**
 * Everything an HTTP/1 request goes through in two proxies but sockets and TLS: codecs, forwarding, policy, metrics.
 * Each call opens a client's connection to the outbound side; `serve` answers what reaches the application.
 */
export function createPair(serve: (app: Channel) => void): () => Channel {
  const [outboundHop, inboundHop] = createTurnChannels();
  startInbound(inboundHop, serve);
  return startOutbound(outboundHop);
}

function startInbound(hop: Channel, serve: (app: Channel) => void): void {
  const meta = { group: "", kind: "default", name: "all-unauthenticated" };
  const everybody = { base: new Uint8Array(4), prefixBits: 0 };
  const policy: ServerPolicy = {
    protocol: { kind: "detect", timeoutMs: 10_000 },
    meta,
    authorizations: [{
      networks: [{ network: everybody, except: [] }],
      authentication: { kind: "unauthenticated" },
      meta,
    }],
  };
  const port: Port = {
    number: 8080,
    policy,
    enforcement: enforce(policy, null),
    habits: { speaksFirst: false, speaksHttp: false },
    subscribe: () => () => {},
    release() {},
  };
  const dial = (): Promise<Channel> => {
    const [proxy, app] = createTurnChannels();
    serve(app);
    return Promise.resolve(proxy);
  };
  const link = { eager: false, backOff: BACK_OFF, http2: {} };
  const address = { ip: "10.0.0.2", port: 8080 };
  const clientId = "default.app.serviceaccount.identity.linkerd.cluster.local";
  const tls = { kind: "accepted", clientId } as const;
  const requests = createRequests({
    app: {
      address,
      http1: createHttp1Pool(dial, POOL),
      http2: createHttp2Link(dial, link, () => {}),
      release() {},
    },
    port,
    caller: { ip: "10.0.0.1", tls: { id: clientId } },
    connection: { target: address, tls },
    recorder: createInboundRecorder(FAMILIES),
    inFlight: inFlight(),
    early: createEarly(null),
    sight: { taps: TAPS, direction: "inbound", source: null, tls },
    audited() {},
    revoked() {},
  });
  serveHttp2(hop, {}, (exchange) => {
    const next = requests.next(exchange.head);
    if ("kind" in next) throw new Error(`policy refuses: ${next.kind}`);
    forward(exchange, next);
  });
}

function startOutbound(hop: Channel): () => Channel {
  const link = createHttp2Link(() => Promise.resolve(hop), {
    eager: true,
    backOff: BACK_OFF,
    http2: {},
  }, () => {});
  const upstream: Upstream = {
    endpoint: { identity: null },
    peer: peerAt("10.0.0.1"),
    load: new PeakEwma(30, 10_000, 0),
    recorder: new HttpRecorder(FAMILIES.http, `direction="outbound"`),
    get ready() {
      return link.ready;
    },
    upgrades: (head) => !head.upgrade,
    acquire: (_head, _fresh, lease) => link.acquire(lease),
    outcome: () => false,
    close() {},
  };
  const recorder = createOutboundRecorder(FAMILIES);
  const policy = detectPolicy(backendOf("app.shop.svc.cluster.local:80"));
  const target = targetTo(upstream, policy, FAMILIES);
  const direction = createDirection(target, {
    informational: true,
    inFlight: inFlight(),
    recorder,
    taps: TAPS,
  });
  return () => {
    const [client, proxy] = createTurnChannels();
    serveHttp1(proxy, {}, (exchange) => forward(exchange, direction));
    return client;
  };
}
