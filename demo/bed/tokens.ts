import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { TOKEN_AUDIENCE } from "../../schemas/names.ts";

/** Whom a token speaks for. */
export interface TokenSubject {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod: { readonly name: string; readonly uid: string };
}

/** Makes service-account tokens as an API server does. */
export interface TokenIssuer {
  /** The JSON Web Key Set that verifies the tokens. */
  readonly keySet: string;
  /** A token for the identity service; `audience` and `lifetimeMs` (a day by default) can be set to wrong ones. */
  sign(
    subject: TokenSubject,
    now: number,
    options?: { readonly audience?: string; readonly lifetimeMs?: number },
  ): Promise<string>;
}

const ALGORITHM = "ES256";
const KEY_ID = "bed";
/** The expiry of the projected volume that Linkerd's injector asks for (86400 s). */
const LIFETIME_MS = 86_400_000;

/** A token issuer with a key of its own. */
export async function createTokenIssuer(): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM);
  const jwk = await exportJWK(publicKey);
  return {
    keySet: JSON.stringify({
      keys: [{ ...jwk, kid: KEY_ID, alg: ALGORITHM, use: "sig" }],
    }),
    sign({ namespace, serviceAccount, pod }, now, options = {}) {
      const seconds = Math.floor(now / 1000);
      const lifetimeMs = options.lifetimeMs ?? LIFETIME_MS;
      return new SignJWT({
        "kubernetes.io": {
          namespace,
          pod,
          serviceaccount: { name: serviceAccount, uid: pod.uid },
        },
      })
        .setProtectedHeader({ alg: ALGORITHM, kid: KEY_ID })
        .setIssuer("https://kubernetes.default.svc.cluster.local")
        .setAudience([options.audience ?? TOKEN_AUDIENCE])
        .setSubject(`system:serviceaccount:${namespace}:${serviceAccount}`)
        .setIssuedAt(seconds)
        .setNotBefore(seconds)
        .setExpirationTime(seconds + Math.floor(lifetimeMs / 1000))
        .sign(privateKey);
    },
  };
}
