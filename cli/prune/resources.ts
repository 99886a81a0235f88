import type { Resource } from "../stub.ts";

const NAMES: Readonly<Record<string, readonly string[]>> = {
  "/api/v1": [
    "ConfigMap",
    "ReplicationController",
    "Secret",
    "Service",
    "ServiceAccount",
  ],
  "/apis/apps/v1": ["DaemonSet", "Deployment", "StatefulSet"],
  "/apis/batch/v1": ["CronJob", "Job"],
  "/apis/rbac.authorization.k8s.io/v1": [
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
  ],
  "/apis/policy/v1": ["PodDisruptionBudget"],
  "/apis/linkerd.io/v1alpha2": ["ServiceProfile"],
  "/apis/policy.linkerd.io/v1alpha1": [
    "MeshTLSAuthentication",
    "NetworkAuthentication",
    "AuthorizationPolicy",
  ],
  "/apis/policy.linkerd.io/v1beta1": ["ServerAuthorization"],
  "/apis/policy.linkerd.io/v1beta3": ["Server", "HTTPRoute"],
  "/apis/multicluster.linkerd.io/v1alpha3": ["Link"],
  "/apis/apiregistration.k8s.io/v1": ["APIService"],
  "/apis/admissionregistration.k8s.io/v1": [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
  ],
  "/apis/apiextensions.k8s.io/v1": ["CustomResourceDefinition"],
};

/** Kinds that any version of an install has had. */
export const RESOURCES: readonly Resource[] = Object.entries(NAMES).flatMap((
  [group, kinds],
) => kinds.map((kind) => ({ path: `${group}/${plural(kind)}`, kind })));

function plural(kind: string): string {
  return kind.toLowerCase().replace(/y$/, "ie") + "s";
}
