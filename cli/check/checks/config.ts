import {
  bullets,
  type Category,
  type Check,
  failed,
  PASSED,
  type Verdict,
} from "../check.ts";
import type { KubeItem } from "../objects.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  MUTATING_WEBHOOKS,
  NODES,
  type Resource,
  SERVICE_ACCOUNTS,
  VALIDATING_WEBHOOKS,
} from "../resources.ts";
import type { Scene } from "../scene.ts";
import { CRDS_EXIST } from "./crds.ts";
import { controlNamespaceExists } from "./namespaces.ts";

/** Objects of a control plane; those of a CNI plugin carry the same label and are not meant. */
const OWN = "linkerd.io/control-plane-ns,!linkerd.io/cni-resource";

const ROLES = (namespace: string): readonly string[] => [
  `linkerd-${namespace}-identity`,
  `linkerd-${namespace}-proxy-injector`,
];

/** Whether all the pieces of an install are there. */
export const LINKERD_CONFIG: Category = {
  name: "linkerd-config",
  checks: [
    controlNamespaceExists(
      "control plane Namespace exists",
      "l5d-existence-ns",
    ),
    exist("ClusterRole", "l5d-existence-cr", CLUSTER_ROLES, ROLES),
    exist(
      "ClusterRoleBinding",
      "l5d-existence-crb",
      CLUSTER_ROLE_BINDINGS,
      ROLES,
    ),
    exist(
      "ServiceAccount",
      "l5d-existence-sa",
      SERVICE_ACCOUNTS,
      () => [
        "linkerd-destination",
        "linkerd-identity",
        "linkerd-proxy-injector",
      ],
      "namespaced",
    ),
    CRDS_EXIST,
    exist(
      "MutatingWebhookConfiguration",
      "l5d-existence-mwc",
      MUTATING_WEBHOOKS,
      () => ["linkerd-proxy-injector-webhook-config"],
    ),
    exist(
      "ValidatingWebhookConfiguration",
      "l5d-existence-vwc",
      VALIDATING_WEBHOOKS,
      () => ["linkerd-sp-validator-webhook-config"],
    ),
    {
      description:
        "proxy-init container runs as root user if docker container runtime is used",
      anchor: "l5d-proxy-init-run-as-root",
      severity: "error",
      run: findDocker,
    },
  ],
};

function exist(
  kind: string,
  anchor: string,
  resource: Resource<KubeItem>,
  wanted: (namespace: string) => readonly string[],
  scope: "cluster" | "namespaced" = "cluster",
): Check {
  return {
    description: `control plane ${kind}s exist`,
    anchor,
    severity: "fatal",
    run: async ({ list, settings: { namespace } }) => {
      const there = await list(resource, {
        labels: OWN,
        ...(scope === "namespaced" ? { namespace } : {}),
      });
      const names = new Set(there.map(({ metadata }) => metadata.name));
      const missing = wanted(namespace).filter((name) => !names.has(name));
      return missing.length === 0
        ? PASSED
        : failed(`missing ${kind}s: ${missing.join(", ")}`);
    },
  };
}

/** Docker gives a container's capabilities to no user but root, and linkerd-init needs NET_ADMIN. */
async function findDocker({ list, config }: Scene): Promise<Verdict> {
  const { proxyInitRunAsRoot, cniEnabled } = await config();
  if (proxyInitRunAsRoot || cniEnabled) return PASSED;
  const nodes = (await list(NODES)).filter(({ status }) =>
    status?.nodeInfo?.containerRuntimeVersion?.startsWith("docker:") === true
  ).map(({ metadata }) => metadata.name);
  if (nodes.length === 0) return PASSED;
  return failed(
    "these nodes run containers with docker, where linkerd-init must run as root:\n" +
      `${bullets(nodes)}\n` +
      "install with --set proxyInit.runAsRoot=true",
  );
}
