import { Hono } from "hono";
import type { ListenAddress } from "../config/address.ts";
import { type Metrics, PROMETHEUS_TEXT } from "../metrics.ts";

export interface AdminOptions {
  readonly address: ListenAddress;
  readonly metrics: Metrics;
  /** Whether the program can do its work now; asked at each probe. */
  readonly ready: () => boolean;
}

export interface AdminServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Answers of the admin port, for probes and Prometheus: those of Linkerd's components, to the byte. */
export function createAdmin(
  metrics: Metrics,
  ready: () => boolean,
): Hono {
  const app = new Hono();
  app.get("/ping", (context) => context.text("pong\n"));
  app.get("/live", (context) => context.text("ok\n"));
  app.get(
    "/ready",
    (context) =>
      ready() ? context.text("ok\n") : context.text("not ready\n", 500),
  );
  app.get("/metrics", (context) => {
    context.header("content-type", PROMETHEUS_TEXT);
    return context.body(metrics.render());
  });
  return app;
}

/** Serves the admin port over HTTP/1.1 in plaintext. */
export function serveAdmin(options: AdminOptions): AdminServer {
  const { host, port } = options.address;
  const server = Bun.serve({
    port,
    development: false,
    // Written out: without it Bun 1.4.5 shares the port with another program outside of development.
    reusePort: false,
    ...(host === undefined ? {} : { hostname: host }),
    fetch: createAdmin(options.metrics, options.ready).fetch,
  });
  return {
    port: server.port ?? port,
    // deno-lint-ignore no-boolean-literal-for-arguments -- Bun's signature: close idle and active connections
    close: () => server.stop(true),
  };
}
