// A cluster of somebody else, on which tests run instead of ours:
//   npm run test:cluster -- --kubeconfig <file> [--images <registry and path>]   (docs/test-cluster.md)
import { DEFAULT_REGISTRY } from "../../schemas/values/proxy-defaults.ts";
import { VERSION } from "../../schemas/version.ts";

/** Environment variables by which test files learn of it; only the command line sets them. */
export const GIVEN_KUBECONFIG = "LINKERD_TEST_KUBECONFIG";
export const GIVEN_IMAGES = "LINKERD_TEST_IMAGES";

/** The kubeconfig of the given cluster; undefined: tests run on ours. */
export function givenKubeconfig(): string | undefined {
  return process.env[GIVEN_KUBECONFIG];
}

/** A registry from which the given cluster pulls; undefined: its nodes have the images under their own names. */
export function givenRegistry(): string | undefined {
  return process.env[GIVEN_IMAGES];
}

/** An image that tests put into pods, by the name that the cluster's nodes know it by. */
export function imageOf(name: "controller" | "busybox"): string {
  const [registry, version] = name === "busybox"
    ? ["images.test", "1"]
    : [DEFAULT_REGISTRY, VERSION];
  return `${givenRegistry() ?? registry}/${name}:${version}`;
}

/** Files that a given cluster can run. */
export const FOR_ANY_CLUSTER: readonly string[] = [
  "policy.test.ts",
  "replaced.test.ts",
  "traffic.test.ts",
  "viz-check.test.ts",
];

/** Why others cannot, where that is known. */
export const FOR_OURS_ALONE: Readonly<Record<string, string>> = {
  "broken.test.ts":
    "takes programs of Kubernetes and images of the node away, and gives them back",
  "gateway-api.test.ts":
    "gives the node an image that is made here, and replaces the Gateway API",
  "identity.test.ts": "signs false tokens with the API server's own key",
  "node.test.ts": "tries the node that is made here",
  "quickstart.test.ts":
    "types the README, which starts a cluster and gives it images",
};
