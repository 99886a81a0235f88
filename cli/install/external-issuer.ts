import { Problem } from "../../schemas/problem.ts";
import type { Values } from "../../schemas/values.ts";
import { checkIssuer } from "../certificates/check.ts";
import type { ReadObject } from "./stored.ts";

/**
 * Values with the trust anchors of an issuer that others keep in Secret linkerd-identity-issuer (cert-manager, say).
 * Throws `config.invalid` when the Secret is not there, incomplete, or not one an issuer can use.
 */
export async function fillExternalAnchors(
  values: Values,
  read: ReadObject,
  now: number,
): Promise<Values> {
  const { issuer, externalCA } = values.identity;
  if (issuer.scheme !== "kubernetes.io/tls") return values;
  if (externalCA || values.identityTrustAnchorsPEM !== "") return values;
  const secret = await read("secrets", NAME);
  if (secret === undefined) {
    throw refuse(`Secret ${NAME} does not exist`, `it is to have ${KEYS}`);
  }
  const [crtPEM, keyPEM, anchorsPEM] = ["tls.crt", "tls.key", "ca.crt"].map(
    (key) => {
      const text = secret.get(key);
      if (text !== undefined && text !== "") return text;
      throw refuse(`Secret ${NAME} has no ${key}`, `it is to have ${KEYS}`);
    },
  ) as [string, string, string];
  checkIssuer({ crtPEM, keyPEM, anchorsPEM }, now);
  return { ...values, identityTrustAnchorsPEM: anchorsPEM };
}

const NAME = "linkerd-identity-issuer";
const KEYS = "tls.crt, tls.key and ca.crt";

function refuse(message: string, hint: string): Problem {
  return new Problem("config.invalid", message, { hint });
}
