import { findPath } from "../../certificates/check.ts";
import type { Certificate } from "../../certificates/read.ts";
import {
  faults,
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
} from "../check.ts";
import { compareRoots, readCredentials } from "../credentials.ts";

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
