import type { Install } from "./context.ts";
import type { Manifest } from "./manifest.ts";
import { ANNOTATIONS, LABELS } from "../schemas/names.ts";

/** The control plane's namespace: nothing in it is injected or asked of our own webhooks. */
export function namespace({ values, namespace }: Install): Manifest {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: namespace,
      annotations: { [ANNOTATIONS.inject]: "disabled" },
      labels: {
        [LABELS.isControlPlane]: "true",
        [LABELS.admissionWebhooks]: "disabled",
        [LABELS.controlPlaneNamespace]: namespace,
        // linkerd-init needs NET_ADMIN, which only `privileged` grants; a CNI plugin needs nothing of the pod.
        [LABELS.podSecurity]: values.cniEnabled ? "restricted" : "privileged",
      },
    },
  };
}
