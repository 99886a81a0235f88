import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { describe, Problem } from "../../schemas/problem.ts";
import type { Log } from "../control/connector.ts";
import { writePrivately } from "../private-file.ts";
import type { Credentials } from "../tls.ts";
import { hashOf, readBundle } from "./bundle.ts";
import { splitPem } from "./pem.ts";
import { acceptChain, type Expected } from "./verify.ts";

/**
 * What the identity folder holds besides key and request, so that a proxy that is started again needs nobody: it lives in
 * the pod's memory, as long as the pod (docs/decisions/0120).
 */
export const KEPT = {
  /** PEM, leaf first. */
  certificate: "certificate.pem",
  anchors: "trust-anchors.pem",
} as const;

/** Writes to the identity folder; a failure costs the next start its certificate, and is told in one line. */
export interface Keeper {
  certificate(chain: string): void;
  anchors(bundle: string): void;
}

/** `given`: the anchors of the environment, after which those that are kept have come. */
export function createKeeper(dir: string, given: string, log: Log): Keeper {
  const keep = (name: string, content: string) => {
    const path = join(dir, name);
    try {
      writePrivately(path, content);
    } catch (error) {
      log("warn", "Cannot keep what the next start could use", {
        path,
        error: describe(error),
      });
    }
  };
  return {
    certificate: (chain) => keep(KEPT.certificate, chain),
    anchors: (bundle) =>
      keep(KEPT.anchors, `${AFTER}${hashOf(given)}\n${bundle}`),
  };
}

const AFTER = "# after ";

/**
 * The anchors that identity told last; those of the environment when there are none, or when the environment is another
 * than then: whoever changed it has decided anew.
 */
export function restoreAnchors(dir: string, given: string, log: Log): string {
  const text = read(dir, KEPT.anchors);
  if (text === null || !text.startsWith(`${AFTER}${hashOf(given)}\n`)) {
    return given;
  }
  const bundle = readBundle(text);
  if (bundle !== null) return bundle;
  log("warn", "Ignoring the trust anchors of an earlier start", {
    path: join(dir, KEPT.anchors),
    error: "no certificate in it can be read",
  });
  rmSync(join(dir, KEPT.anchors), { force: true }); // said once
  return given;
}

/** The certificate of an earlier start, if peers will still take it; what will not do is told in one line. */
export function restoreCertificate(
  dir: string,
  expected: Expected,
  log: Log,
): Credentials | null {
  const text = read(dir, KEPT.certificate);
  if (text === null) return null;
  try {
    const [leaf, ...intermediates] = splitPem(text).map((pem) =>
      new X509Certificate(pem)
    );
    if (leaf === undefined) {
      throw new Problem("identity.refused", "found no certificate");
    }
    return acceptChain({
      leaf: leaf.raw,
      intermediates: intermediates.map(({ raw }) => raw),
      validUntilMs: leaf.validToDate.getTime(),
    }, expected);
  } catch (error) {
    log("warn", "Ignoring the certificate of an earlier start", {
      path: join(dir, KEPT.certificate),
      error: describe(error),
    });
    return null;
  }
}

/** The text of a kept file; null when there is none. */
function read(dir: string, name: string): string | null {
  try {
    return readFileSync(join(dir, name), "utf8");
  } catch {
    return null; // The first start of this pod.
  }
}

/** Forgets the certificate: its key is about to be replaced. */
export function forgetCertificate(dir: string): void {
  rmSync(join(dir, KEPT.certificate), { force: true });
}
