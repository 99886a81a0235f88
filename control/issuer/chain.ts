import "reflect-metadata"; // @peculiar/x509 does not load without it
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type X509Certificate,
} from "@peculiar/x509";
import { Problem } from "../../schemas/problem.ts";

/** From a certificate up to a trust anchor, both included; alone when the certificate is an anchor itself. */
export type Path = readonly X509Certificate[];

/** Longest path searched; real ones have two to four certificates, and a bound ends every cycle. */
const MAX_PATH = 6;

/**
 * The path from `issuer` over `bundle` to one of `anchors` that is valid at `now` (milliseconds) and stays so longest.
 * Throws `config.invalid`, saying which certificate is in the way: no chain, not a CA, expired, not yet valid.
 */
export async function findPath(
  issuer: X509Certificate,
  bundle: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  now: number,
): Promise<Path> {
  requireCa(issuer);
  const paths = await extend([issuer], bundle, anchors);
  if (paths.length === 0) {
    throw new Problem(
      "config.invalid",
      `Cannot use issuer certificate "${issuer.subject}": no chain of CA certificates leads from it to a trust anchor`,
      { hint: `trust anchors are: ${anchors.map(quoteSubject).join(", ")}` },
    );
  }
  const valid = paths.filter((path) => path.every((one) => isValid(one, now)));
  valid.sort((a, b) => windowOf(b).notAfterMs - windowOf(a).notAfterMs);
  const best = valid[0];
  if (best !== undefined) return best;
  const bad = paths.flat().find((one) => !isValid(one, now)) ?? issuer;
  throw new Problem(
    "config.invalid",
    `Cannot use issuer certificate "${issuer.subject}": "${bad.subject}" is valid from ${bad.notBefore.toISOString()} to ${bad.notAfter.toISOString()}, now is ${
      new Date(now).toISOString()
    }`,
    { hint: "replace it, or set this machine's clock" },
  );
}

/** When all certificates of a path are valid, in milliseconds. */
export function windowOf(
  path: Path,
): { readonly notBeforeMs: number; readonly notAfterMs: number } {
  return {
    notBeforeMs: Math.max(...path.map((one) => one.notBefore.getTime())),
    notAfterMs: Math.min(...path.map((one) => one.notAfter.getTime())),
  };
}

function isValid(certificate: X509Certificate, now: number): boolean {
  return certificate.notBefore.getTime() <= now &&
    now <= certificate.notAfter.getTime();
}

/** Grows a path by every parent that signed its last certificate, until anchors are reached. */
async function extend(
  path: Path,
  bundle: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): Promise<Path[]> {
  const last = path.at(-1);
  if (last === undefined || path.length > MAX_PATH) return [];
  if (anchors.some((anchor) => anchor.equal(last))) return [path];
  const found: Path[] = [];
  for (const parent of [...anchors, ...bundle]) {
    if (path.some((one) => one.equal(parent))) continue;
    if (last.issuer !== parent.subject || !isCa(parent)) continue;
    // The issuer counts too: a leaf will hang below it.
    if (pathLimit(parent) < path.length) continue;
    if (!await signed(parent, last)) continue;
    found.push(...await extend([...path, parent], bundle, anchors));
  }
  return found;
}

async function signed(
  parent: X509Certificate,
  child: X509Certificate,
): Promise<boolean> {
  try {
    return await child.verify({
      publicKey: parent.publicKey,
      signatureOnly: true,
    });
  } catch {
    return false; // an algorithm that does not fit the parent's key: not its child
  }
}

function requireCa(certificate: X509Certificate): void {
  if (isCa(certificate)) return;
  throw new Problem(
    "config.invalid",
    `Cannot use issuer certificate "${certificate.subject}": it is not a CA that may sign certificates`,
    { hint: "issue it with basicConstraints CA:TRUE and keyUsage keyCertSign" },
  );
}

function isCa(certificate: X509Certificate): boolean {
  const usage = certificate.getExtension(KeyUsagesExtension);
  return constraintsOf(certificate)?.ca === true &&
    (usage === null || (usage.usages & KeyUsageFlags.keyCertSign) !== 0);
}

/** How many CA certificates may stand between this one and a leaf (RFC 5280 4.2.1.9). */
function pathLimit(certificate: X509Certificate): number {
  return constraintsOf(certificate)?.pathLength ?? Infinity;
}

function constraintsOf(
  certificate: X509Certificate,
): BasicConstraintsExtension | null {
  return certificate.getExtension(BasicConstraintsExtension);
}

function quoteSubject(certificate: X509Certificate): string {
  return `"${certificate.subject}"`;
}
