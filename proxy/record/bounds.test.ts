// What others choose (names, addresses, ports, statuses) takes bounded memory, however much of it there is.
import { fullGC, heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { createAuthorities } from "../inbound/authorities.ts";
import { createInboundRecorder } from "../inbound/recorder.ts";
import { createOutboundRecorder } from "../outbound/recorder.ts";
import { recordHosts } from "../outbound/route-recorder.ts";
import { createRegistry, SERIES_MAX } from "../record.ts";
import { backendOf, opaqueRoute, weighted } from "../testing/policies.ts";
import { requestHead } from "../testing/http1.ts";
import { classify } from "./classify.ts";
import { createFamilies, type Families } from "./families.ts";
import { HttpRecorder } from "./http.ts";
import { createNames, NAMES_MAX } from "./names.ts";
import {
  authz,
  client,
  defaultRoute,
  endpoint,
  route,
  server,
  service,
  target,
} from "./testing/names.ts";
import { outboundDestinationLabels, outboundLabels } from "./traffic.ts";
import { TcpRecorder } from "./tcp.ts";

const ACCEPTED = { kind: "accepted", clientId: client } as const;
const ENDING = { answeredAfterMs: 1, reset: null, problem: null };
const OK = { ...ENDING, status: 200, grpcStatus: null };

/** An address for each number below four thousand millions. */
function addressOf(n: number) {
  const ip = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
  return { ip, port: 1 + n % 65_535 };
}

/** What somebody does again and again, each time with another value. */
interface Flood {
  readonly what: string;
  readonly times: number;
  /** Values told apart; null: as many as a family has room for. */
  readonly names: number | null;
  /** That there were more is counted under this family. */
  readonly overflow: string | null;
  readonly begin: (families: Families) => (n: number) => void;
}

const FLOODS: readonly Flood[] = [
  {
    what: "names asked for by clients (authority)",
    times: 1_000_000,
    names: NAMES_MAX,
    overflow: "request_total",
    begin({ http }) {
      const authorities = createAuthorities(createNames(http.requests));
      return (n) => {
        const head = requestHead("GET", "/", { host: `${n}.example.org` });
        const authority = authorities.of(head) ?? "";
        const series = http.requests.with(`authority="${authority}"`);
        series.value += 1;
        series.release();
      };
    },
  },
  {
    what: "names asked for by applications (hostname)",
    times: 1_000_000,
    names: NAMES_MAX,
    overflow: "outbound_http_route_request_statuses_total",
    begin({ outbound }) {
      const hosts = recordHosts(outbound, service, defaultRoute);
      return (n) =>
        hosts.of(requestHead("GET", "/", { host: `${n}.example.org` }))
          .finished(false, OK, 1);
    },
  },
  {
    what: "server names in TLS of clients (sni)",
    times: 200_000,
    names: NAMES_MAX,
    overflow: "tcp_open_total",
    begin(families) {
      const recorder = createInboundRecorder(families);
      return (n) => {
        const tls = recorder.passedOn(`${n}.example.org`);
        const connection = { target, tls, server };
        recorder.tcpDecided(connection, authz);
        const meters = recorder.source(connection);
        meters.opened();
        meters.closed("");
      };
    },
  },
  {
    what: "server names in TLS of applications (hostname)",
    times: 1_000_000,
    names: NAMES_MAX,
    overflow: "outbound_tls_route_open_total",
    begin(families) {
      const one = createOutboundRecorder(families).target(target);
      one.follow({ parent: service, protocol: { kind: "tls", tls: [] } });
      return (n) => one.tunnel(defaultRoute, `${n}.example.org`)("");
    },
  },
  {
    what: "addresses and ports dialled by applications",
    times: 1_000_000,
    names: null,
    overflow: "tcp_open_total",
    begin(families) {
      const recorder = createOutboundRecorder(families);
      const protocol = {
        kind: "opaque",
        opaque: opaqueRoute(weighted([backendOf("a"), 1])),
      } as const;
      return (n) => {
        const one = recorder.target(addressOf(n));
        one.follow({ parent: service, protocol });
        one.accepted();
        one.meters.opened();
        one.tunnel(defaultRoute, null)("");
        one.meters.closed("ECONNRESET");
        one.release();
      };
    },
  },
  {
    what: "endpoints of Services",
    times: 200_000,
    names: null,
    overflow: "tcp_open_total",
    begin({ http, tcp }) {
      return (n) => {
        const to = {
          target: addressOf(n),
          tls: { kind: "dialled", serverId: client } as const,
          labels: endpoint.labels,
        };
        const requests = new HttpRecorder(http, outboundLabels(to));
        requests.requests.value += 1;
        requests.latency(200).observe(3);
        requests.response(
          200,
          classify({ grpc: false, status: 200, grpcStatus: null, error: null }),
        );
        const connections = new TcpRecorder(
          tcp,
          outboundDestinationLabels(to),
        );
        connections.opened();
        connections.closed("");
        connections.release();
        requests.release();
      };
    },
  },
  {
    what: "ports of the pod that clients try, and clients",
    times: 200_000,
    names: null,
    overflow: "tcp_open_total",
    begin(families) {
      const recorder = createInboundRecorder(families);
      return (n) => {
        const connection = {
          target: { ip: target.ip, port: 1 + n % 65_535 },
          tls: { kind: "accepted", clientId: `${n}.${client}` } as const,
          server,
        };
        recorder.tcpDecided(connection, null);
        recorder.tcpError("tls detection timeout", connection.target);
        const meters = recorder.source(connection);
        meters.opened();
        meters.closed("EPIPE");
        recorder.transportHeader(
          { port: n % 65_535, name: `${n}.example.org`, session: null },
          connection.tls.clientId,
        );
      };
    },
  },
  {
    what: "statuses of applications, of HTTP and of gRPC",
    times: 1_000_000,
    // HTTP's have three digits, gRPC's are seventeen.
    names: 900,
    overflow: null,
    begin(families) {
      const exchanges = createInboundRecorder(families)
        .exchanges({ target, tls: ACCEPTED, server }, route);
      return (n) => {
        exchanges.ended(false, { ...OK, status: 100 + n % 900 }, 2, 1);
        exchanges.ended(true, { ...OK, grpcStatus: `${n}` }, 2, 1);
      };
    },
  },
];

/** Of a flood, after which nothing new is kept: every family is full by then. */
const FILLING = 20_000;
/** Series of one family: those that it has room for, and that of all others. */
const FULL = SERIES_MAX + 1;
/** Less than 100 bytes for each ten values of a million: what the heap itself moves by. */
const SWAY_BYTES = 2_000_000;

test.each(FLOODS)(
  "$times $what take no more memory than a few thousand",
  ({ times, names, overflow, begin }) => {
    const registry = createRegistry({ retainIdleMs: 600_000 });
    const act = begin(createFamilies(registry));
    let n = 0;
    while (n < FILLING) act(n++);
    const before = sizes();
    const heap = heapSize();
    while (n < times) act(n++);
    expect(heapSize() - heap).toBeLessThan(SWAY_BYTES);
    expect(sizes()).toEqual(before);
    const most = Math.max(...before.values());
    expect(most).toBe(
      names === null ? FULL : overflow === null ? names : names + 1,
    );
    const page = [...registry.expose(0)].join("");
    const said = [...page.matchAll(OVERFLOWED)].map(([, family]) => family);
    expect(said).toEqual(
      overflow === null ? [] : expect.arrayContaining([overflow]),
    );

    /** How many series each family has. */
    function sizes(): Map<string, number> {
      const found = new Map<string, number>();
      for (const piece of registry.expose(0)) {
        for (const [, name = ""] of piece.matchAll(SERIES)) {
          found.set(name, (found.get(name) ?? 0) + 1);
        }
      }
      return found;
    }
  },
  60_000,
);

const OVERFLOWED = /^proxy_metrics_overflow_total\{metric="(\w+)"\} [1-9]/gm;

/** Lines of series, one for each histogram. */
const SERIES = /^(?!#)(?!\w+_(?:bucket|sum)\b)(\w+)/gm;

function heapSize(): number {
  fullGC();
  return heapStats().heapSize;
}

test("names are told apart up to a bound, and cut when they are long", () => {
  let overflowed = 0;
  const names = createNames({ overflow: () => void overflowed++ }, 2);
  const long = "x".repeat(100_000);
  expect([names("a"), names(long).length, names("b"), names("a")])
    .toEqual(["a", 512, "other", "a"]);
  expect(names(long)).toBe(long.slice(0, 512));
  expect(overflowed).toBe(1);
});
