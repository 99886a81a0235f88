import type { IdentityConfig } from "../config.ts";
import type { TokenReviewer } from "../caller.ts";
import { watchTokenKeys } from "../files/token-keys.ts";
import { watchIssuer } from "../issuer.ts";
import { ensureIssuer } from "../issuer/generate.ts";
import { createTokenReviewer } from "../kube/token-review.ts";
import type { Log } from "../log.ts";
import { createMetrics } from "../metrics.ts";
import { addProcessMetrics } from "../metrics/process.ts";
import { serveAdmin } from "../serve/admin.ts";
import { serveGrpc } from "../serve/grpc.ts";
import { identityRoutes } from "../serve/identity.ts";
import { observeCalls } from "../serve/observe.ts";

/** A started program of the control plane. */
export interface Running {
  /** Where it listens, by purpose; for configurations that left a port open. */
  readonly ports: Readonly<Record<string, number>>;
  /** Ends calls in flight and frees everything. */
  readonly close: () => Promise<void>;
}

/** What tests replace: the clock of certificates, and how often files are read without a sign of change. */
export interface IdentityOverrides {
  readonly now?: () => number;
  readonly reloadEveryMs?: number;
}

/** Starts the identity program; throws a `Problem` when the issuer, the token keys or a port cannot be had. */
export async function startIdentity(
  config: IdentityConfig,
  log: Log,
  overrides: IdentityOverrides = {},
): Promise<Running> {
  const { now = Date.now } = overrides;
  const { trustDomain } = config.realm;
  // Only without a cluster: replicas that each made their own would not trust each other's workloads.
  if (config.tokens.kind === "files") {
    const generated = await ensureIssuer(config.issuer, trustDomain, now());
    if (generated) log.info("issuer generated", { ...config.issuer });
  }
  const closers: (() => void | Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const issuer = await watchIssuer(config.issuer, { log, ...overrides });
    closers.push(issuer.close);
    const callers = await startReviewer(config, log, overrides);
    closers.push(callers.close);

    const metrics = createMetrics();
    addProcessMetrics(metrics);
    metrics.read(
      "gauge",
      "issuer_cert_ttl_seconds",
      "Seconds until the issuer or a certificate above it expires; negative afterwards.",
      [],
      () => [{
        labels: [],
        value: (issuer.current().notAfterMs - now()) / 1_000,
      }],
    );
    let ready = false;
    const admin = serveAdmin({
      address: config.adminAddress,
      metrics,
      ready: () => ready,
    });
    closers.push(admin.close);
    const grpc = await serveGrpc({
      address: config.address,
      observe: observeCalls(metrics),
      routes: identityRoutes({
        issuer: issuer.current,
        review: callers.review,
        realm: config.realm,
        lifetime: config.lifetime,
        log,
        now,
      }),
    });
    closers.push(grpc.close, () => void (ready = false));
    ready = true;
    return { ports: { grpc: grpc.port, admin: admin.port }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startReviewer(
  config: IdentityConfig,
  log: Log,
  overrides: IdentityOverrides,
): Promise<{ readonly review: TokenReviewer; readonly close: () => void }> {
  const { tokens } = config;
  return tokens.kind === "files"
    ? await watchTokenKeys(tokens.keys, { log, ...overrides })
    : { review: createTokenReviewer(tokens.server), close: () => {} };
}
