import { issueLeaf } from "../../control/issuer/leaf.ts"; // first: loads what @peculiar/x509 does not load without
import { Name, PemConverter, PublicKey } from "@peculiar/x509";
import { parseIssuer } from "../../control/issuer/load.ts";
import type { Anchor } from "../../demo/bed/trust.ts";

/** A certificate with its key, and the issuer's certificate behind it, as PEM. */
export interface LeafFiles {
  readonly chain: string;
  readonly key: string;
}

export interface LeafOptions {
  /** From when it is valid, milliseconds; now by default. */
  readonly fromMs?: number;
  /** How long it is; an hour by default. */
  readonly lifetimeMs?: number;
}

const HOUR_MS = 3_600_000;
const P256 = { name: "ECDSA", namedCurve: "P-256" };

/** A leaf for `identity` under `anchor`, from an issuer of its own that is valid long enough. */
export async function createLeaf(
  anchor: Anchor,
  identity: string,
  { fromMs = Date.now(), lifetimeMs = HOUR_MS }: LeafOptions = {},
): Promise<LeafFiles> {
  const now = Date.now();
  const { crtPem, keyPem } = await anchor.createIssuer(Math.min(fromMs, now));
  const files = { certificate: crtPem, key: keyPem, anchors: anchor.pem };
  const issuer = await parseIssuer(files, now);
  const keys = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const { der } = await issueLeaf(
    issuer,
    {
      identity,
      subject: new Name(`CN=${identity}`),
      publicKey: new PublicKey(
        await crypto.subtle.exportKey("spki", keys.publicKey),
      ),
    },
    { lifetimeMs, skewMs: 0 },
    fromMs,
  );
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    chain: `${PemConverter.encode(der, "CERTIFICATE")}\n${crtPem}`,
    key: `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
  };
}
