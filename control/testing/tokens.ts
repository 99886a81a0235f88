import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** Signs service-account tokens as an API server does. */
export interface TokenMaker {
  /** The JWKS text that verifies them. */
  readonly keySet: string;
  /** A token for `identity.l5d.io` that lasts an hour, with some claims replaced, or removed by undefined. */
  readonly sign: (
    subject: string,
    claims?: Readonly<Record<string, unknown>>,
  ) => Promise<string>;
}

/** A maker with keys of its own. */
export async function createTokenMaker(
  algorithm: "RS256" | "ES256" = "ES256",
  kid = "one",
): Promise<TokenMaker> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm);
  const key = { ...await exportJWK(publicKey), kid, alg: algorithm };
  return {
    keySet: JSON.stringify({ keys: [key] }),
    sign: (subject, claims = {}) =>
      new SignJWT({
        sub: subject,
        aud: ["identity.l5d.io"],
        exp: Math.floor(Date.now() / 1_000) + 3_600,
        ...claims,
      }).setProtectedHeader({ alg: algorithm, kid }).sign(privateKey),
  };
}
