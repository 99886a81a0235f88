import { findPath } from "../../certificates/check.ts";
import {
  type Certificate,
  readBundle,
  readKey,
} from "../../certificates/read.ts";
import {
  faults,
  fromBase64,
  whyInvalid,
  whyRenew,
  whyWeakAnchor,
  whyWeakIssuer,
} from "../certificates.ts";
import {
  type Category,
  type Check,
  failed,
  PASSED,
  passedUnless,
  type Verdict,
} from "../check.ts";
import { CONFIG_MAPS, SECRETS } from "../objects.ts";
import type { Scene } from "../scene.ts";

const ISSUER = "linkerd-identity-issuer";
const ROOTS = "linkerd-identity-trust-roots";

/** Whether the certificates of an install will do, today and for a while. */
export const LINKERD_IDENTITY: Category = {
  name: "linkerd-identity",
  checks: [
    {
      description: "certificate config is valid",
      anchor: "l5d-identity-cert-config-valid",
      severity: "fatal",
      run: async (scene) => {
        await readCredentials(scene);
        return await compareRoots(scene);
      },
    },
    anchors(
      "are using supported crypto algorithm",
      "use-supported-crypto",
      "fatal",
      "Invalid trustAnchors:",
      whyWeakAnchor,
    ),
    anchors(
      "are within their validity period",
      "are-time-valid",
      "fatal",
      "Invalid anchors:",
      whyInvalid,
    ),
    anchors(
      "are valid for at least 60 days",
      "not-expiring-soon",
      "warning",
      "Anchors expiring soon:",
      whyRenew,
    ),
    issuer(
      "is using supported crypto algorithm",
      "uses-supported-crypto",
      "fatal",
      (why) => `issuer certificate ${why}`,
      whyWeakIssuer,
    ),
    issuer(
      "is within its validity period",
      "is-time-valid",
      "fatal",
      (why) => `issuer certificate is ${why}`,
      whyInvalid,
    ),
    issuer(
      "is valid for at least 60 days",
      "not-expiring-soon",
      "warning",
      (why) => `issuer certificate ${why}`,
      whyRenew,
    ),
    {
      description: "issuer cert is issued by the trust anchor",
      anchor: "l5d-identity-issuer-cert-issued-by-trust-anchor",
      severity: "error",
      run: async (scene) => {
        const { chain, anchors } = await readCredentials(scene);
        const [issuer, ...between] = chain;
        if (findPath([issuer], between, anchors) !== undefined) return PASSED;
        const signer = issuer.x509.issuer.replaceAll("\n", ", ");
        const known = anchors.map(({ name }) => `"${name}"`).join(", ");
        return failed(
          `no chain leads from "${issuer.name}" to a trust anchor\n` +
            `it was signed by "${signer}"; trust anchors are: ${known}`,
        );
      },
    },
  ],
};

function anchors(
  holds: string,
  anchor: string,
  severity: Check["severity"],
  title: string,
  why: (anchor: Certificate, nowMs: number) => string | undefined,
): Check {
  return {
    description: `trust anchors ${holds}`,
    anchor: `l5d-identity-trustAnchors-${anchor}`,
    severity,
    run: async (scene) => {
      const { anchors } = await readCredentials(scene);
      return passedUnless(
        title,
        faults(anchors, (one) => why(one, scene.nowMs)),
      );
    },
  };
}

function issuer(
  holds: string,
  anchor: string,
  severity: Check["severity"],
  tell: (why: string) => string,
  why: (issuer: Certificate, nowMs: number) => string | undefined,
): Check {
  return {
    description: `issuer cert ${holds}`,
    anchor: `l5d-identity-issuer-cert-${anchor}`,
    severity,
    run: async (scene) => {
      const { chain } = await readCredentials(scene);
      const found = why(chain[0], scene.nowMs);
      return found === undefined ? PASSED : failed(tell(found));
    },
  };
}

interface Credentials {
  /** The issuer, and what stands between it and an anchor. */
  readonly chain: readonly [Certificate, ...Certificate[]];
  readonly anchors: readonly Certificate[];
}

/** Issuer and trust anchors where the identity service finds them. Throws with what is missing or cannot be read. */
async function readCredentials(scene: Scene): Promise<Credentials> {
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
async function compareRoots(scene: Scene): Promise<Verdict> {
  const { trustAnchorsPEM, externalCA } = await scene.config();
  const mounted = await readRoots(scene);
  if (externalCA || trustAnchorsPEM === "") return PASSED;
  if (mounted.trim() === trustAnchorsPEM.trim()) return PASSED;
  return failed(
    `config map ${ROOTS} does not hold the trust anchors of linkerd-config\n` +
      "change both at once, with: linkerd upgrade --identity-trust-anchors-file FILE",
  );
}
