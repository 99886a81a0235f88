import { writeFile } from "node:fs/promises";
import type { Bed } from "./bed/bed.ts";

/** The name of the file among the manifests: not after an object, for it holds two and is made to be edited. */
export const POLICY_FILE = "policy.yaml";

/** Who may call the demo's orders; a person reads it. */
const POLICY =
  `# Who may call orders: only what runs as the service account web.
# Save a change and it holds at once, on connections that are open too. Try:
#   name: nobody   instead of web at the very end, and web is denied
#   accessPolicy: all-authenticated   below "port", and every meshed pod may call
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata:
  name: orders
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: orders
  port: http
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata:
  name: orders
  namespace: shop
spec:
  targetRef:
    group: policy.linkerd.io
    kind: Server
    name: orders
  requiredAuthenticationRefs:
    - kind: ServiceAccount
      name: web
`;

/** Puts the policy among the manifests of the demo. */
export async function writePolicy(bed: Bed): Promise<void> {
  await writeFile(`${bed.layout.manifests}/${POLICY_FILE}`, POLICY);
}
