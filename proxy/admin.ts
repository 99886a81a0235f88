import type { SocketAddress } from "../schemas/address.ts";
import { describe } from "../schemas/problem.ts";
import { type AdminRequest, type Answer, text } from "./admin/answer.ts";
import { createAdminApps } from "./admin/app.ts";
import { showEnvironment } from "./admin/environment.ts";
import { isLoopback } from "./admin/loopback.ts";
import { metricsPage } from "./admin/metrics.ts";
import { showTrust } from "./admin/trust.ts";
import type { Environment } from "./config/setting.ts";
import type { InboundOptions } from "./inbound/options.ts";
import type { Port } from "./inbound/ports.ts";
import {
  createInboundRecorder,
  type InboundRecorder,
} from "./inbound/recorder.ts";
import { type Inside, startInside } from "./inside.ts";
import type { Logs } from "./log.ts";
import { parseFilter } from "./log/filter.ts";
import type { Registry } from "./record.ts";
import type { Families } from "./record/families.ts";

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

/** How often idle series are dropped when nobody asks for metrics. */
const SWEEP_MS = 60_000;

/** One path: what each method answers. */
interface Route {
  readonly loopbackOnly?: boolean;
  readonly methods: Readonly<Record<string, Page>>;
}
type Page = (request: AdminRequest) => Answer;

/**
 * Starts the admin server (port 4191): metrics, probes, log level, environment, shutdown. Who may ask what is the policy of
 * its port (facts 5.7, decision 107). Throws `system.failed` when the address cannot be had.
 */
export function startAdmin(options: AdminOptions): Inside {
  const { families, registry } = options;
  const log = options.logs.target("admin");
  const routes = createRoutes(options);
  const inside = startInside({
    ...options,
    what: "admin server",
    variable: "LINKERD2_PROXY_ADMIN_LISTEN_ADDR",
    apps: createAdminApps((request) =>
      // In a promise, so that what a page throws is one request's failure.
      Promise.try(() => answer(routes, request)).catch((thrown) => {
        log.error("cannot answer an admin request", {
          error: describe(thrown),
        });
        return text(500, "internal error");
      })
    ),
    seen: decisionsOf(createInboundRecorder(families)),
    log,
  });
  const sweeper = setInterval(
    () => registry.sweep(performance.now()),
    SWEEP_MS,
  );
  sweeper.unref();
  return {
    port: inside.port,
    close() {
      clearInterval(sweeper);
      return inside.close();
    },
  };
}

/** What policy decides is counted, scrapes and probes themselves are not. */
function decisionsOf(recorder: InboundRecorder): Partial<InboundRecorder> {
  const { httpDecisions, routeNotFound, limited, tcpDecided, tcpError } =
    recorder;
  return { httpDecisions, routeNotFound, limited, tcpDecided, tcpError };
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
