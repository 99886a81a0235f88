import type { TokenReviewer } from "../caller.ts";
import type { IdentityConfig } from "../config/identity.ts";
import { watchTokenKeys } from "../files/token-keys.ts";
import { type Issuer, watchIssuer } from "../issuer.ts";
import { ensureIssuer } from "../issuer/generate.ts";
import { createTokenReviewer } from "../kube/token-review.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { serveGrpc } from "../serve/grpc.ts";
import { identityRoutes } from "../serve/identity.ts";
import { observeCalls } from "../serve/observe.ts";
import { trustRoutes } from "../serve/trust.ts";
import { createSnapshots } from "../snapshot.ts";
import { startAdmin } from "./admin.ts";
import { type Running, startWith } from "./running.ts";

/** What tests replace: the clock of certificates, and how often files are read without a sign of change. */
export interface IdentityOverrides {
  readonly now?: () => number;
  readonly reloadEveryMs?: number;
}

/** The one thing that readers of trust anchors ask for. */
const ANCHORS = "anchors";

/** Starts the identity program; throws a `Problem` when the issuer, the token keys or a port cannot be had. */
export function startIdentity(
  config: IdentityConfig,
  log: Log,
  overrides: IdentityOverrides = {},
): Promise<Running> {
  const { now = Date.now } = overrides;
  return startWith(async (closing) => {
    // Only without a cluster: replicas that each made their own would not trust each other's workloads.
    if (config.tokens.kind === "files") {
      const { trustDomain } = config.realm;
      const generated = await ensureIssuer(config.issuer, trustDomain, now());
      if (generated) log.info("issuer generated", { ...config.issuer });
    }
    const bundles = createSnapshots<typeof ANCHORS, string>({
      name: (query) => query,
      keys: (query) => [query],
      compute: () => issuer.current().anchors,
      equal: (a, b) => a === b,
    });
    closing(bundles.close);
    const issuer = await watchIssuer(config.issuer, {
      log,
      ...overrides,
      updated: () => bundles.refresh(new Set([ANCHORS])),
    });
    closing(issuer.close);
    const callers = await openReviewer(config, log, overrides);
    closing(callers.close);

    const admin = startAdmin(config, closing);
    const { metrics } = admin;
    addIssuerMetrics(metrics, issuer, now);
    const grpc = await serveGrpc({
      address: config.address,
      observe: observeCalls(metrics),
      routes: (router) => {
        identityRoutes({
          issuer: issuer.current,
          review: callers.review,
          realm: config.realm,
          lifetime: config.lifetime,
          log,
          now,
        })(router);
        trustRoutes((signal) => bundles.watch(ANCHORS, signal))(router);
      },
    });
    closing(grpc.close);
    admin.setReady();
    return { grpc: grpc.port, admin: admin.port };
  });
}

async function openReviewer(
  config: IdentityConfig,
  log: Log,
  overrides: IdentityOverrides,
): Promise<{ readonly review: TokenReviewer; readonly close: () => void }> {
  const { tokens } = config;
  return tokens.kind === "files"
    ? await watchTokenKeys(tokens.keys, { log, ...overrides })
    : { review: createTokenReviewer(tokens.server), close: () => {} };
}

function addIssuerMetrics(
  metrics: Metrics,
  issuer: Issuer,
  now: () => number,
): void {
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
}
