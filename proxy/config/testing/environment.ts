import { createPki } from "../../testing/pki.ts";

/** PEM of a root made for these tests. */
export const { anchors } = createPki();
/** The least that a proxy starts with, names without `LINKERD2_PROXY_`. */
export const minimal: Readonly<Record<string, string>> = {
  DESTINATION_SVC_ADDR: "linkerd-dst-headless.linkerd.svc.cluster.local.:8086",
  DESTINATION_SVC_NAME:
    "linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local",
  POLICY_SVC_ADDR: "localhost.:8090",
  IDENTITY_SVC_ADDR: "[::1]:8080",
  POLICY_WORKLOAD: '{"ns":"shop","pod":"web-1"}\n',
  IDENTITY_DIR: "/var/run/linkerd/identity/end-entity",
  IDENTITY_TRUST_ANCHORS: anchors,
  IDENTITY_TOKEN_FILE: "/var/run/secrets/tokens/linkerd-identity-token",
  IDENTITY_LOCAL_NAME: "web.shop.serviceaccount.identity.linkerd.cluster.local",
};

/** The environment with some variables changed. */
export function environment(
  changes: Readonly<Record<string, string | undefined>> = {},
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries({ ...minimal, ...changes }).map(([name, value]) => [
      `LINKERD2_PROXY_${name}`,
      value,
    ]),
  );
}
