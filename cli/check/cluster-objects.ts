import { controlPlane } from "../../install/control-plane.ts";
import { crds } from "../../install/crds.ts";
import type { Manifest } from "../../install/manifest.ts";
import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";
import { fillIssuer, servedCertificates } from "../install/credentials.ts";
import { renderJson } from "../render.ts";

/** An object that an install creates outside any namespace. */
export interface ClusterObject {
  readonly path: string;
  readonly object: Manifest;
  /** Whether it is no obstacle when it is there: what another check tells, or what an install leaves as it is. */
  readonly mayExist: boolean;
}

/** Where objects of such kinds are created. */
const PATHS: Readonly<Record<string, string>> = {
  Namespace: "/api/v1/namespaces",
  APIService: "/apis/apiregistration.k8s.io/v1/apiservices",
  ClusterRole: "/apis/rbac.authorization.k8s.io/v1/clusterroles",
  ClusterRoleBinding: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
  CustomResourceDefinition:
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  MutatingWebhookConfiguration:
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
  ValidatingWebhookConfiguration:
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
};

/** All of them, of a default install; its certificates begin at `now` (milliseconds). */
export function clusterObjects(
  namespace: string,
  now: number,
): ClusterObject[] {
  const none = { crtPEM: undefined, keyPEM: undefined, anchorsPEM: undefined };
  const values = fillIssuer(
    { ...DEFAULT_VALUES, enableHttpRoutes: true },
    none,
    namespace,
    now,
  );
  const manifests = [
    ...crds(values, namespace),
    ...controlPlane({
      values,
      namespace,
      served: servedCertificates(values, namespace, now),
      trustRootSha256: "",
      yaml: renderJson,
    }),
  ];
  return manifests.flatMap((object) => {
    const path = PATHS[object.kind];
    const { kind } = object;
    // An APIService of that name may be that of a viz extension, which the install takes over.
    const mayExist = kind === "CustomResourceDefinition" ||
      kind === "Namespace" || kind === "APIService";
    return path === undefined ? [] : [{ path, object, mayExist }];
  });
}
