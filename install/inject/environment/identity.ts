import type { InjectionValues } from "../../../schemas/values/proxy.ts";
import type { Sidecar } from "../environment.ts";
import { MOUNT_PATHS, TOKEN_FILE } from "../volumes.ts";
import { apiAddress } from "./control-plane.ts";
import { type EnvVar, field, optional, set } from "./variable.ts";

/** Who the proxy is, how it proves that, and who the control plane is. */
export function identity(sidecar: Sidecar): (EnvVar | undefined)[] {
  const { values, namespace } = sidecar;
  const named = (account: string) =>
    identityName(account, namespace, namespace, values);
  return [
    set(
      "LINKERD2_PROXY_DESTINATION_CONTEXT",
      '{"ns":"$(_pod_ns)", "nodeName":"$(_pod_nodeName)", "pod":"$(_pod_name)"}\n',
    ),
    field("_pod_sa", "spec.serviceAccountName"),
    set("_l5d_ns", namespace),
    set("_l5d_trustdomain", trustDomain(values)),
    set("LINKERD2_PROXY_IDENTITY_DIR", MOUNT_PATHS.endEntity),
    trustAnchors(sidecar),
    set(
      "LINKERD2_PROXY_IDENTITY_TOKEN_FILE",
      values.identity.serviceAccountTokenProjection
        ? `${MOUNT_PATHS.token}/${TOKEN_FILE}`
        : "/var/run/secrets/kubernetes.io/serviceaccount/token",
    ),
    set("LINKERD2_PROXY_IDENTITY_SVC_ADDR", apiAddress("identity", sidecar)),
    set(
      "LINKERD2_PROXY_IDENTITY_LOCAL_NAME",
      identityName("$(_pod_sa)", "$(_pod_ns)", namespace, values),
    ),
    set("LINKERD2_PROXY_IDENTITY_SVC_NAME", named("linkerd-identity")),
    set("LINKERD2_PROXY_DESTINATION_SVC_NAME", named("linkerd-destination")),
    set("LINKERD2_PROXY_POLICY_SVC_NAME", named("linkerd-destination")),
    optional(
      "LINKERD2_PROXY_TAP_SVC_NAME",
      sidecar.isTapped ? named("linkerd-metrics") : undefined,
    ),
  ];
}

function trustAnchors({ values, component }: Sidecar): EnvVar {
  const name = "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS";
  if (component === undefined) {
    return set(name, `${values.identityTrustAnchorsPEM.trimEnd()}\n`);
  }
  return {
    name,
    valueFrom: {
      configMapKeyRef: {
        name: "linkerd-identity-trust-roots",
        key: "ca-bundle.crt",
      },
    },
  };
}

/** The name in a workload's certificate: its service account, as the control plane in `controlPlane` certifies it. */
export function identityName(
  account: string,
  namespace: string,
  controlPlane: string,
  values: InjectionValues,
): string {
  return `${account}.${namespace}.serviceaccount.identity.${controlPlane}.${
    trustDomain(values)
  }`;
}

function trustDomain(values: InjectionValues): string {
  return values.identityTrustDomain || values.clusterDomain;
}
