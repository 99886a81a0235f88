import type { SocketAddress } from "../schemas/address.ts";
import { Problem } from "../schemas/problem.ts";
import {
  control,
  type ControlConfig,
  destination,
  type DestinationConfig,
} from "./config/control.ts";
import { checkCores } from "./config/cores.ts";
import { duration, flag, listenAddress } from "./config/forms.ts";
import { clientHttp2, type Windows } from "./config/http2.ts";
import { identity, type IdentityConfig } from "./config/identity.ts";
import { inbound, type InboundConfig } from "./config/inbound.ts";
import { log, type LogConfig } from "./config/log.ts";
import { outbound, type OutboundConfig } from "./config/outbound.ts";
import { policy, type PolicyConfig } from "./config/policy.ts";
import {
  type Environment,
  optional,
  section,
  type Source,
} from "./config/setting.ts";
import { tap, type TapConfig } from "./config/tap.ts";
import { trace, type TraceConfig } from "./config/trace.ts";
import { checkUnsupported } from "./config/unsupported.ts";

/** All that the environment says to a proxy, checked. */
export interface Config {
  readonly inbound: InboundConfig;
  readonly outbound: OutboundConfig;
  readonly admin: AdminConfig;
  readonly control: ControlConfig;
  readonly destination: DestinationConfig;
  readonly policy: PolicyConfig;
  readonly identity: IdentityConfig;
  /** Flow-control windows of HTTP/2 connections that we dial. */
  readonly clientHttp2: Windows;
  readonly log: LogConfig;
  readonly tap: TapConfig;
  readonly trace: TraceConfig;
  /** How long a series of metrics that nobody uses outlives its last change. */
  readonly metricsRetainIdleMs: number;
  /** How long connections may take to finish after a signal to end. */
  readonly shutdownGraceMs: number;
  /** What was understood but has no effect, or is a default worth knowing: to be logged. */
  readonly warnings: readonly string[];
}

export interface AdminConfig {
  readonly listen: SocketAddress;
  /** Whether `POST /shutdown` ends the proxy. */
  readonly shutdownEndpoint: boolean;
}

const settings = section<Omit<Config, "warnings">>({
  inbound,
  outbound,
  admin: section<AdminConfig>({
    listen: optional("ADMIN_LISTEN_ADDR", listenAddress, {
      ip: "127.0.0.1",
      port: 4191,
    }),
    shutdownEndpoint: optional("SHUTDOWN_ENDPOINT_ENABLED", flag, false),
  }),
  control,
  destination,
  policy,
  identity,
  clientHttp2,
  log,
  tap,
  trace,
  metricsRetainIdleMs: optional("METRICS_RETAIN_IDLE", duration, 600_000),
  shutdownGraceMs: optional("SHUTDOWN_GRACE_PERIOD", duration, 120_000),
});

/**
 * Configuration from environment variables `LINKERD2_PROXY_*`, Linkerd's names and defaults. Surrounding space is
 * ignored, an empty value counts as unset, unknown variables are ignored. Throws one `config.invalid` that lists every
 * mistake; never shows certificates.
 */
export function parseConfig(env: Environment): Config {
  const source: Source = { env, mistakes: [], warnings: [] };
  const config = settings(source);
  checkCores(source);
  checkUnsupported(source);
  if (env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0") {
    source.mistakes.push(
      "NODE_TLS_REJECT_UNAUTHORIZED is 0, expected it to be unset: certificates would not be verified",
    );
  }
  if (source.mistakes.length > 0) {
    throw new Problem(
      "config.invalid",
      `Cannot start with this environment:\n${
        source.mistakes.map((mistake) => `  ${mistake}`).join("\n")
      }`,
      { hint: "correct the variables named above and start again" },
    );
  }
  return { ...config, warnings: source.warnings };
}
