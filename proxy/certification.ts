import type { IdentityConfig } from "./config/identity.ts";
import type { ControlClient } from "./control/client.ts";
import type { Log } from "./control/connector.ts";
import {
  certifyWith,
  type Identity,
  loadIdentityFiles,
  startIdentity,
} from "./identity.ts";
import {
  createKeeper,
  restoreAnchors,
  restoreCertificate,
} from "./identity/keep.ts";
import { watchTrust } from "./identity/trust.ts";
import type { ControlFamilies } from "./record/control.ts";

export interface CertificationOptions {
  readonly config: IdentityConfig;
  /** A client of identity, on a connection of its own. */
  readonly openClient: (identity: () => Identity) => ControlClient;
  readonly families: ControlFamilies;
  /** Called with every certificate; from the first one on traffic can be served. */
  readonly certified: () => void;
  readonly log: Log;
}

/**
 * Who we are and whom we trust, from now on: what an earlier start left is used at once, certificates are renewed, anchors
 * are followed, and both are kept for the next start. Rejects with `config.invalid` when the launcher has not run.
 */
export async function startCertification(
  options: CertificationOptions,
): Promise<Identity> {
  const { config, openClient, families, log } = options;
  const { dir, localName: name, trustAnchors } = config;
  const files = await loadIdentityFiles(dir);
  const anchors = restoreAnchors(dir, trustAnchors, log);
  const expected = { name, key: files.key, anchors, nowMs: Date.now() };
  const keeper = createKeeper(dir, trustAnchors, log);
  let following = false;
  const identity: Identity = startIdentity({
    files,
    name,
    anchors,
    kept: restoreCertificate(dir, expected, log),
    tokenFile: config.tokenFile,
    bounds: { minMs: config.minRefreshMs, maxMs: config.maxRefreshMs },
    certify: certifyWith(openClient(() => identity)),
    certified({ chain, expiresAtMs }) {
      keeper.certificate(chain);
      families.certificateExpiresAt.value = expiresAtMs / 1_000;
      families.certificateRefreshesAt.value = Date.now() / 1_000;
      follow();
      options.certified();
    },
    refreshed: (result) =>
      (result === "ok"
        ? families.certificateRefreshed
        : families.certificateRefused).value += 1,
    random: Math.random,
    log,
  });

  /** Once there is a certificate, so that both ends of the connection know each other. */
  function follow(): void {
    if (following) return;
    following = true;
    watchTrust({
      client: openClient(() => identity),
      told(bundle) {
        if (bundle === identity.anchors) return;
        log("info", "Trust anchors have changed", { bytes: bundle.length });
        identity.trust(bundle);
        keeper.anchors(bundle);
      },
      random: Math.random,
      log,
    });
  }
  return identity;
}
