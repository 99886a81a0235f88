import { type Install, metadataOf, type Placing } from "./context.ts";
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
  return [
    grantedRole(install, name, { component }, rules),
    bindClusterRole(install, binding, {
      component,
      serviceAccount,
      role: name,
    }),
  ];
}

/** A ClusterRole that nobody has until others give it. */
export function grantedRole(
  install: Install,
  name: string,
  placing: Placing,
  rules: readonly Rule[],
): Manifest {
  return {
    apiVersion: `${API}/v1`,
    kind: "ClusterRole",
    metadata: metadataOf(install, name, { ...placing, clusterScoped: true }),
    rules,
  };
}

/** Gives a ClusterRole to a service account of the control plane. */
export function bindClusterRole(
  install: Install,
  name: string,
  { component, serviceAccount, role }: {
    readonly component: string;
    readonly serviceAccount: string;
    readonly role: string;
  },
): Manifest {
  return {
    apiVersion: `${API}/v1`,
    kind: "ClusterRoleBinding",
    metadata: metadataOf(install, name, { component, clusterScoped: true }),
    roleRef: { apiGroup: API, kind: "ClusterRole", name: role },
    subjects: [subject(serviceAccount, install.namespace)],
  };
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

/** Gives a Role of the control plane's namespace, or of another, to service accounts. */
export function roleBinding(
  install: Install,
  name: string,
  roleName: string,
  accounts: readonly { readonly name: string; readonly namespace: string }[],
  namespace = install.namespace,
): Manifest {
  return {
    apiVersion: `${API}/v1`,
    kind: "RoleBinding",
    metadata: { ...metadataOf(install, name), namespace },
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
