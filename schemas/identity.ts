import { Problem } from "./problem.ts";

/** RFC 1123 label, 63 bytes at most. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What names a workload: its service account, in a trust domain governed by one control plane. */
export interface Workload {
  readonly serviceAccount: string;
  readonly namespace: string;
}

/** Where identities are valid: the control plane's namespace and the trust domain. */
export interface Realm {
  readonly controlNamespace: string;
  readonly trustDomain: string;
}

/** `<sa>.<ns>.serviceaccount.identity.<control ns>.<trust domain>`; throws when a part is not a DNS label. */
export function formatIdentity(workload: Workload, realm: Realm): string {
  const { serviceAccount, namespace } = workload;
  for (
    const [what, label] of [["service account", serviceAccount], [
      "namespace",
      namespace,
    ]]
  ) {
    if (label === undefined || !LABEL.test(label)) {
      throw new Problem(
        "identity.refused",
        `Cannot form an identity: ${what} "${label}" is not a DNS label`,
        { hint: "use lower-case letters, digits and dashes, without dots" },
      );
    }
  }
  return `${serviceAccount}.${namespace}.serviceaccount.identity.${realm.controlNamespace}.${realm.trustDomain}`;
}
