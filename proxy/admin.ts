import { formatAddress, type SocketAddress } from "../schemas/address.ts";
import { describe, Problem } from "../schemas/problem.ts";
import { type AdminRequest, type Answer, text } from "./admin/answer.ts";
import { createAdminApps } from "./admin/app.ts";
import { showEnvironment } from "./admin/environment.ts";
import { isLoopback } from "./admin/loopback.ts";
import { metricsPage } from "./admin/metrics.ts";
import { showTrust } from "./admin/trust.ts";
import type { Environment } from "./config/setting.ts";
import { createDrain } from "./drain.ts";
import { startInbound } from "./inbound.ts";
import type { InboundOptions } from "./inbound/options.ts";
import type { Port } from "./inbound/ports.ts";
import { createInboundRecorder } from "./inbound/recorder.ts";
import type { Logs } from "./log.ts";
import { parseFilter } from "./log/filter.ts";
import { createRegistry, type Registry } from "./record.ts";
import { createFamilies, type Families } from "./record/families.ts";

export interface AdminOptions extends
  Pick<
    InboundOptions,
    "accept" | "name" | "credentials" | "detectTimeoutMs" | "http2"
  > {
  /** Port 0 lets the system choose. */
  readonly address: SocketAddress;
  /** Who may ask. */
  readonly port: Port;
  readonly registry: Registry;
  readonly families: Families;
  readonly logs: Logs;
  readonly env: Environment;
  /** Whether traffic is served: true from the first certificate on. */
  readonly ready: () => boolean;
  /** Begins to drain; null: the endpoint is not enabled. */
  readonly shutdown: (() => void) | null;
}

export interface Admin {
  readonly port: number;
  /** Stops accepting; settles when the requests in flight are answered. */
  close(): Promise<void>;
}

/** How often idle series are dropped when nobody asks for metrics. */
const SWEEP_MS = 60_000;
/** Requests under way at a time; a scraper and the kubelet need two. */
const MAX_IN_FLIGHT = 100;

/** One path: what each method answers. */
interface Route {
  readonly loopbackOnly?: boolean;
  readonly methods: Readonly<Record<string, Page>>;
}
type Page = (request: AdminRequest) => Answer;

/**
 * Starts the admin server (port 4191): metrics, probes, log level, environment, shutdown. It is an application behind an
 * inbound side of its own: plain or mutual TLS, HTTP/1 or HTTP/2, and who may ask what is the policy of its port (facts
 * 5.7, decision 107). Throws `system.failed` when the address cannot be had.
 */
export function startAdmin(options: AdminOptions): Admin {
  const { address, families, registry } = options;
  const log = options.logs.target("admin");
  const routes = createRoutes(options);
  const drain = createDrain();
  const { recorder, sweep } = recordDecisions(families);
  const listener = listen(address, () =>
    startInbound({
      listen: address,
      ownPort: "application",
      accept: options.accept,
      ownIps: new Set(),
      name: options.name,
      credentials: options.credentials,
      detectTimeoutMs: options.detectTimeoutMs,
      ports: { take: () => options.port },
      apps: createAdminApps((request) =>
        // In a promise, so that what a page throws is one request's failure.
        Promise.try(() => answer(routes, request)).catch((thrown) => {
          log.error("cannot answer an admin request", {
            error: describe(thrown),
          });
          return text(500, "internal error");
        })
      ),
      http1: {},
      http2: options.http2,
      inFlight: { count: 0, max: MAX_IN_FLIGHT },
      recorder,
      drain,
      log,
    }));
  const sweeper = setInterval(() => {
    const nowMs = performance.now();
    registry.sweep(nowMs);
    sweep(nowMs);
  }, SWEEP_MS);
  sweeper.unref();
  return {
    port: listener.address.port,
    async close() {
      clearInterval(sweeper);
      listener.close();
      await drain.begin();
    },
  };
}

function listen<T>(address: SocketAddress, start: () => T): T {
  try {
    return start();
  } catch (cause) {
    throw new Problem(
      "system.failed",
      `Cannot listen on ${formatAddress(address)} for the admin server: ${
        describe(cause)
      }`,
      { hint: "free the port, or set LINKERD2_PROXY_ADMIN_LISTEN_ADDR", cause },
    );
  }
}

/**
 * What policy decides is counted. Scrapes and probes themselves are not: as requests and connections of the pod they
 * would hide its own (decision 107).
 */
function recordDecisions(families: Families) {
  const unseen = createRegistry({ retainIdleMs: 0 });
  const seen = createInboundRecorder(families);
  return {
    recorder: {
      ...createInboundRecorder(createFamilies(unseen)),
      httpDecisions: seen.httpDecisions,
      routeNotFound: seen.routeNotFound,
      limited: seen.limited,
      tcpDecided: seen.tcpDecided,
      tcpError: seen.tcpError,
    },
    sweep: (nowMs: number) => unseen.sweep(nowMs),
  };
}

function answer(
  routes: ReadonlyMap<string, Route>,
  request: AdminRequest,
): Answer {
  const route = routes.get(request.path);
  if (route === undefined) return text(404, "not found");
  if (route.loopbackOnly === true && !isLoopback(request.ip)) {
    return text(403, "Requests are only permitted from localhost.");
  }
  const page =
    route.methods[request.method === "HEAD" ? "GET" : request.method];
  if (page !== undefined) return page(request);
  return text(405, "method not allowed", {
    allow: Object.keys(route.methods).join(", "),
  });
}

function createRoutes(options: AdminOptions): ReadonlyMap<string, Route> {
  const { credentials, registry, logs, env, ready, shutdown } = options;
  return new Map<string, Route>([
    ["/metrics", {
      methods: {
        GET: ({ field }) =>
          metricsPage(
            registry.expose(performance.now()),
            field("accept-encoding"),
          ),
      },
    }],
    ["/live", { methods: { GET: () => text(200, "live") } }],
    ["/ready", {
      methods: {
        GET: () => ready() ? text(200, "ready") : text(503, "not ready"),
      },
    }],
    ["/proxy-log-level", {
      loopbackOnly: true,
      methods: {
        GET: () => text(200, logs.filter.text),
        PUT: ({ body }) => {
          const filter = parseFilter(body.trim());
          if (filter === null) {
            return text(400, "expected a log filter such as warn,linkerd=info");
          }
          logs.setFilter(filter);
          return { status: 204, headers: {}, body: "" };
        },
      },
    }],
    ["/env.json", {
      methods: { GET: (request) => showEnvironment(env, request) },
    }],
    ["/trust.json", { methods: { GET: () => showTrust(credentials()) } }],
    ["/shutdown", {
      loopbackOnly: true,
      methods: {
        POST: () => {
          if (shutdown === null) {
            return text(404, "shutdown endpoint is not enabled");
          }
          shutdown();
          return text(200, "shutdown");
        },
      },
    }],
  ]);
}
