import { type Install, metadataOf } from "./context.ts";
import type { Manifest } from "./manifest.ts";

/** What may be done to which objects. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Reading by list and watch, as every index of the control plane does. */
export const WATCH: readonly string[] = ["get", "list", "watch"];

const API = "rbac.authorization.k8s.io";

/** A ClusterRole and who has it. */
export function clusterRole(
  install: Install,
  name: string,
  options: {
    readonly component: string;
    readonly serviceAccount: string;
    readonly rules: readonly Rule[];
    readonly binding?: string;
  },
): Manifest[] {
  const { component, serviceAccount, rules, binding = name } = options;
  const place = { component, clusterScoped: true } as const;
  return [
    {
      apiVersion: `${API}/v1`,
      kind: "ClusterRole",
      metadata: metadataOf(install, name, place),
      rules,
    },
    {
      apiVersion: `${API}/v1`,
      kind: "ClusterRoleBinding",
      metadata: metadataOf(install, binding, place),
      roleRef: { apiGroup: API, kind: "ClusterRole", name },
      subjects: [subject(serviceAccount, install.namespace)],
    },
  ];
}

/** A Role of the control plane's namespace. */
export function role(
  install: Install,
  name: string,
  rules: readonly Rule[],
): Manifest {
  return {
    apiVersion: `${API}/v1`,
    kind: "Role",
    metadata: metadataOf(install, name),
    rules,
  };
}

/** Gives a Role to service accounts. */
export function roleBinding(
  install: Install,
  name: string,
  roleName: string,
  accounts: readonly { readonly name: string; readonly namespace: string }[],
): Manifest {
  return {
    apiVersion: `${API}/v1`,
    kind: "RoleBinding",
    metadata: metadataOf(install, name),
    roleRef: { apiGroup: API, kind: "Role", name: roleName },
    subjects: accounts.map((one) => subject(one.name, one.namespace)),
  };
}

export function serviceAccount(
  install: Install,
  name: string,
  component: string,
): Manifest {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: metadataOf(install, name, { component }),
  };
}

function subject(name: string, namespace: string): unknown {
  return { kind: "ServiceAccount", name, namespace };
}
