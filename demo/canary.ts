import { writeFile } from "node:fs/promises";
import type { Bed } from "./bed/bed.ts";

/** The name of the file among the manifests, made to be edited. */
export const CANARY_FILE = "canary.yaml";

/** Which catalog answers; a person reads it. */
const CANARY =
  `# A canary: of what is asked of the catalog, one in ten goes to version 2.
# Save other weights and the next request follows them; the table shows the
# last ten seconds. Try:
#   weight: 90 and weight: 10 in each other's place, and version 2 gets 90 %
#   weight: 0 for one of them, and it gets nothing
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: catalog
  namespace: shop
spec:
  parentRefs:
    - group: ""
      kind: Service
      name: catalog
      port: 8080
  rules:
    - backendRefs:
        - name: catalog
          port: 8080
          weight: 90
        - name: catalog-v2
          port: 8080
          weight: 10
`;

/** Puts the route among the manifests of the demo. */
export async function writeCanary(bed: Bed): Promise<void> {
  await writeFile(`${bed.layout.manifests}/${CANARY_FILE}`, CANARY);
}
