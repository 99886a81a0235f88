import { readFile } from "node:fs/promises";
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from "jose";
import { TOKEN_AUDIENCE } from "../../schemas/names.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import { reviewSubject, type TokenReviewer } from "../caller.ts";
import type { Log } from "../log.ts";
import { watchFiles } from "../watch-files.ts";

/** A reviewer of service-account tokens by public keys, where there is no API server to ask. */
export interface TokenKeys {
  readonly review: TokenReviewer;
  readonly close: () => void;
}

export interface TokenKeysOptions {
  readonly log: Log;
  readonly now?: () => number;
  readonly reloadEveryMs?: number;
}

/** What Kubernetes signs service-account tokens with; naming them keeps `none` and HMAC out. */
const ALGORITHMS = ["RS256", "ES256"];

/** How far the clock of whoever made the token may be from ours, in seconds. */
const CLOCK_TOLERANCE_S = 10;

/** As for the issuer: the timer is only for file systems that tell nothing. */
const RELOAD_EVERY_MS = 60_000;

type Keys = ReturnType<typeof createLocalJWKSet>;

/**
 * Verifies tokens against the JWKS file at `path`, which is read again when it changes; throws `config.invalid` when the
 * first reading fails, keeps the old keys when a later one does. A token needs the audience `identity.l5d.io`, `exp`,
 * and the subject of a service account.
 */
export async function watchTokenKeys(
  path: string,
  options: TokenKeysOptions,
): Promise<TokenKeys> {
  const { log, now = Date.now, reloadEveryMs = RELOAD_EVERY_MS } = options;
  let text = await readText(path);
  let keys = parseKeys(text, path);
  const close = watchFiles([path], reloadEveryMs, async () => {
    try {
      const found = await readText(path);
      if (found === text) return;
      keys = parseKeys(found, path);
      text = found;
      log.info("token keys updated", { file: path });
    } catch (error) {
      log.warn("token keys update skipped, the old ones stay in use", {
        error: describe(error),
      });
    }
  });

  const review: TokenReviewer = async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ALGORITHMS,
        audience: TOKEN_AUDIENCE,
        requiredClaims: ["exp", "sub"],
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(now()),
      });
      return reviewSubject(payload.sub ?? "");
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      return refuse(error);
    }
  };
  return { review, close };
}

/** As an API server answers: what it did not sign, or no longer stands by, is unknown; what it cannot read is invalid. */
function refuse(error: errors.JOSEError): Awaited<ReturnType<TokenReviewer>> {
  const unknown = error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey;
  return {
    kind: unknown ? "unauthenticated" : "invalid",
    message: `Cannot accept token: ${error.message}`,
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Problem(
      "config.invalid",
      `Cannot read token keys: ${describe(cause)}`,
      { cause, hint: "--token-keys names a JWKS file with public keys" },
    );
  }
}

function parseKeys(text: string, path: string): Keys {
  try {
    const set: JSONWebKeySet = JSON.parse(text);
    return createLocalJWKSet(set);
  } catch (cause) {
    throw new Problem(
      "config.invalid",
      `Cannot read token keys "${path}": ${
        describe(cause)
      }, expected a JSON Web Key Set`,
      { cause },
    );
  }
}
