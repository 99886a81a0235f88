import { createHash } from "node:crypto";
import { checkValues } from "../../install/check-values.ts";
import { controlPlane } from "../../install/control-plane.ts";
import type { Manifest } from "../../install/manifest.ts";
import { parseValues } from "../../schemas/values/check.ts";
import type { Overrides, Values } from "../../schemas/values.ts";
import { VERSION } from "../../schemas/version.ts";
import { renderYaml } from "../render.ts";
import { type KeptCertificates, servedCertificates } from "./credentials.ts";

/** Values as this version of the command renders them. Throws `config.invalid` with what is wrong with them. */
export function completeValues(gathered: Overrides): Values {
  const values = {
    ...parseValues(gathered),
    cliVersion: `linkerd/cli ${VERSION}`,
  };
  checkValues(values);
  return values;
}

/** Every object of a control plane; `values` have their issuer, `now` (milliseconds) is when new certificates begin. */
export function renderControlPlane(
  values: Values,
  namespace: string,
  now: number,
  kept: KeptCertificates = {},
): Manifest[] {
  const anchors = values.identityTrustAnchorsPEM;
  return controlPlane({
    values,
    namespace,
    served: servedCertificates(values, namespace, now, kept),
    trustRootSha256: createHash("sha256").update(anchors).digest("hex"),
    yaml: renderYaml,
  });
}
