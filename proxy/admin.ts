import { formatAddress, type SocketAddress } from "../schemas/address.ts";
import { describe, Problem } from "../schemas/problem.ts";
import { showEnvironment } from "./admin/environment.ts";
import { isLoopback } from "./admin/loopback.ts";
import { metricsPage } from "./admin/metrics.ts";
import type { Environment } from "./config/setting.ts";
import type { Logs } from "./log.ts";
import { parseFilter } from "./log/filter.ts";
import type { Registry } from "./record.ts";

export interface AdminOptions {
  /** Port 0 lets the system choose. */
  readonly address: SocketAddress;
  readonly registry: Registry;
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

/** Bytes of the longest body we take: a log filter. */
const BODY_MAX = 8_192;
/** Longer than the usual pause between two scrapes or probes, so that their connections live on. */
const IDLE_SECONDS = 90;
/** How often idle series are dropped when nobody asks for metrics. */
const SWEEP_MS = 60_000;

/** One path: what each method answers. */
interface Route {
  readonly loopbackOnly?: boolean;
  readonly methods: Readonly<Record<string, Answer>>;
}
type Answer = (request: Request, url: URL) => Response | Promise<Response>;

/**
 * Starts the admin server (port 4191): metrics, probes, log level, environment, shutdown. Plain HTTP by `Bun.serve`,
 * which costs no memory of its own here (decision 30). Throws `system.failed` when the address cannot be had.
 */
export function startAdmin(options: AdminOptions): Admin {
  const log = options.logs.target("admin");
  const routes = createRoutes(options);
  const serve = () =>
    Bun.serve({
      hostname: options.address.ip,
      port: options.address.port,
      development: false,
      // Without this, `development: false` sets SO_REUSEPORT, and two proxies would silently share the port (Bun 1.4.5).
      reusePort: false,
      maxRequestBodySize: BODY_MAX,
      idleTimeout: IDLE_SECONDS,
      fetch(request, server) {
        const url = new URL(request.url);
        const route = routes.get(url.pathname);
        if (route === undefined) return text(404, "not found");
        if (
          route.loopbackOnly === true &&
          !isLoopback(server.requestIP(request)?.address)
        ) return text(403, "Requests are only permitted from localhost.");
        const method = request.method === "HEAD" ? "GET" : request.method;
        const answer = route.methods[method];
        if (answer !== undefined) return answer(request, url);
        return text(405, "method not allowed", {
          allow: Object.keys(route.methods).join(", "),
        });
      },
      error(thrown) {
        log.error("cannot answer an admin request", {
          error: describe(thrown),
        });
        return text(500, "internal error");
      },
    });
  const server = listen(serve, options.address);
  const sweeper = setInterval(
    () => options.registry.sweep(performance.now()),
    SWEEP_MS,
  );
  sweeper.unref();
  return {
    port: server.port ?? options.address.port,
    async close() {
      clearInterval(sweeper);
      await server.stop();
    },
  };
}

function listen<T>(serve: () => T, address: SocketAddress): T {
  try {
    return serve();
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

function createRoutes(options: AdminOptions): ReadonlyMap<string, Route> {
  const { registry, logs, env, ready, shutdown } = options;
  return new Map<string, Route>([
    ["/metrics", {
      methods: {
        GET: (request) =>
          metricsPage(
            registry.expose(performance.now()),
            request.headers.get("accept-encoding"),
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
        PUT: async (request) => {
          const filter = parseFilter((await request.text()).trim());
          if (filter === null) {
            return text(400, "expected a log filter such as warn,linkerd=info");
          }
          logs.setFilter(filter);
          return new Response(null, { status: 204 });
        },
      },
    }],
    ["/env.json", {
      methods: { GET: (request, url) => showEnvironment(env, request, url) },
    }],
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

function text(
  status: number,
  line: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(`${line}\n`, {
    status,
    headers: { "content-type": "text/plain", ...headers },
  });
}
