import { PeakEwma } from "../../proxy/balance/peak-ewma.ts";
import type { Channel } from "../../proxy/channel.ts";
import { forward } from "../../proxy/forward.ts";
import { createEarly } from "../../proxy/http/early.ts";
import { createHttp1Pool, type Lease } from "../../proxy/http/http1-pool.ts";
import { createHttp2Link } from "../../proxy/http/http2-link.ts";
import type { RequestHead } from "../../proxy/http/message.ts";
import { serveHttp1 } from "../../proxy/http1/server.ts";
import { withProxies } from "../../proxy/http2/options.ts";
import { serveHttp2 } from "../../proxy/http2/server.ts";
import { answerRefusal } from "../../proxy/inbound/refusal.ts";
import { createRequests } from "../../proxy/inbound/requests.ts";
import { enforce } from "../../proxy/policy/enforcement.ts";
import { createInboundRecorder } from "../../proxy/inbound/recorder.ts";
import { createDirection } from "../../proxy/outbound/direction.ts";
import { createOutboundRecorder } from "../../proxy/outbound/recorder.ts";
import { createRegistry } from "../../proxy/record.ts";
import { createFamilies } from "../../proxy/record/families.ts";
import { HttpRecorder } from "../../proxy/record/http.ts";
import { peerAt } from "../../proxy/testing/endpoints.ts";
import {
  createMemoryChannels,
  type MemoryChannel,
  type MemoryOptions,
} from "../../proxy/testing/memory-channel.ts";
import {
  authorization,
  backendOf,
  detectPolicy,
  serverPolicy,
} from "../../proxy/testing/policies.ts";
import { targetTo } from "../../proxy/testing/target.ts";

/** What the inbound proxy knows of whoever is behind the outbound one. */
export const CALLER_ID = "client.test.serviceaccount.identity.linkerd.test";

const ADDRESS = { ip: "192.0.2.2", port: 80 };
const LINK = {
  eager: false,
  backOff: { minMs: 1, maxMs: 1, jitter: 0 },
  http2: {},
};

/** An outbound and an inbound proxy without sockets, joined by one HTTP/2 connection. */
export interface ProxyPair {
  /** A client's connection to the outbound proxy. */
  connect(): MemoryChannel;
  close(): void;
}

/** `serveApp` gets each connection that the inbound proxy opens to the application; `options` are for all channels. */
export function openProxyPair(
  serveApp: (channel: Channel) => void,
  options: () => MemoryOptions,
): ProxyPair {
  const families = createFamilies(createRegistry({ retainIdleMs: 1_000 }));
  const join = (serve: (far: MemoryChannel) => void): MemoryChannel => {
    const [near, far] = createMemoryChannels(options());
    serve(far);
    return near;
  };
  const openApp = () => Promise.resolve(join(serveApp));
  const app = {
    address: ADDRESS,
    http1: createHttp1Pool(openApp, { maxIdle: 10, idleMs: 60_000 }),
    http2: createHttp2Link(openApp, LINK, () => {}),
    release() {},
  };
  const policy = serverPolicy([authorization(["0.0.0.0/0"])]);
  const requests = createRequests({
    app,
    port: {
      number: ADDRESS.port,
      policy,
      enforcement: enforce(policy, null),
      habits: { speaksFirst: false, speaksHttp: true },
      subscribe: () => () => {},
      release() {},
    },
    caller: { ip: "192.0.2.1", tls: { id: CALLER_ID } },
    connection: {
      target: ADDRESS,
      tls: { kind: "accepted", clientId: CALLER_ID },
    },
    recorder: createInboundRecorder(families),
    inFlight: { count: 0, max: 1_000 },
    early: createEarly(null),
    audited() {},
    revoked() {},
  });
  const serveInbound = (channel: MemoryChannel) =>
    void serveHttp2(channel, withProxies({}), (exchange) => {
      const next = requests.next(exchange.head);
      if ("kind" in next) answerRefusal(exchange, next, true);
      else forward(exchange, next);
    });
  const hop = createHttp2Link(
    () => Promise.resolve(join(serveInbound)),
    { ...LINK, http2: withProxies({}) },
    () => {},
  );
  const upstream = {
    endpoint: { identity: null },
    peer: peerAt(ADDRESS.ip, ADDRESS.port),
    load: new PeakEwma(30, 10_000, 0),
    recorder: new HttpRecorder(families.http, ""),
    ready: true,
    upgrades: () => true,
    acquire: (_head: RequestHead, _fresh: boolean, lease: Lease) =>
      hop.acquire(lease),
    outcome: () => false,
    close() {},
  };
  const recorder = createOutboundRecorder(families);
  const outbound = createDirection(
    targetTo(upstream, detectPolicy(backendOf("app:80")), families),
    { informational: true, inFlight: { count: 0, max: 1_000 }, recorder },
  );
  return {
    connect: () =>
      join((far) =>
        void serveHttp1(far, {}, (exchange) => forward(exchange, outbound))
      ),
    close() {
      hop.close();
      app.http1.close();
      app.http2.close();
    },
  };
}
