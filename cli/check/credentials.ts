import { type Certificate, readBundle, readKey } from "../certificates/read.ts";
import { fromBase64 } from "./certificates.ts";
import { failed, PASSED, type Verdict } from "./check.ts";
import { CONFIG_MAPS, SECRETS } from "./resources.ts";
import type { Scene } from "./scene.ts";

const ISSUER = "linkerd-identity-issuer";
const ROOTS = "linkerd-identity-trust-roots";

/** An issuer and whom it answers to. */
export interface Credentials {
  /** The issuer, and what stands between it and an anchor. */
  readonly chain: readonly [Certificate, ...Certificate[]];
  readonly anchors: readonly Certificate[];
}

/** Issuer and trust anchors where the identity service finds them. Throws with what is missing or cannot be read. */
export async function readCredentials(scene: Scene): Promise<Credentials> {
  const { get, settings: { namespace } } = scene;
  const { issuerScheme, trustAnchorsPEM, externalCA } = await scene.config();
  const secret = await get(SECRETS, ISSUER, namespace);
  if (secret === undefined) {
    throw new Error(`Secret "${ISSUER}" not found in namespace "${namespace}"`);
  }
  const isOurs = issuerScheme === "linkerd.io/tls" || issuerScheme === "";
  const read = (key: string, what: string): string => {
    const text = secret.data?.[key];
    if (text !== undefined) return fromBase64(text);
    throw new Error(
      `key ${key} containing the ${what} needs to exist in secret ${ISSUER} if --identity-external-issuer=${!isOurs}`,
    );
  };
  const crtPEM = read(isOurs ? "crt.pem" : "tls.crt", "issuer certificate");
  const keyPEM = read(isOurs ? "key.pem" : "tls.key", "issuer key");
  const given = isOurs ? trustAnchorsPEM : read("ca.crt", "trust anchors");
  const anchorsPEM = isOurs && externalCA ? await readRoots(scene) : given;
  const chain = readBundle(crtPEM, "issuer certificate");
  if (!chain[0].x509.checkPrivateKey(readKey(keyPEM, "issuer key"))) {
    throw new Error(
      `the keys of secret ${ISSUER} do not match: the private key is not that of "${
        chain[0].name
      }"`,
    );
  }
  return { chain, anchors: readBundle(anchorsPEM, "trust anchors") };
}

/** What pods mount as their trust. */
export async function readRoots(
  { get, settings: { namespace } }: Scene,
): Promise<string> {
  const map = await get(CONFIG_MAPS, ROOTS, namespace);
  const pem = map?.data?.["ca-bundle.crt"];
  if (pem !== undefined) return pem;
  throw new Error(
    `key ca-bundle.crt containing the trust anchors needs to exist in config map ${ROOTS}`,
  );
}

/** Whether pods mount the anchors that the values say: those who edit one of the two by hand split the mesh. */
export async function compareRoots(scene: Scene): Promise<Verdict> {
  const { trustAnchorsPEM, externalCA } = await scene.config();
  const mounted = await readRoots(scene);
  if (externalCA || trustAnchorsPEM === "") return PASSED;
  if (mounted.trim() === trustAnchorsPEM.trim()) return PASSED;
  return failed(
    `config map ${ROOTS} does not hold the trust anchors of linkerd-config\n` +
      "change both at once, with: linkerd upgrade --identity-trust-anchors-file FILE",
  );
}
