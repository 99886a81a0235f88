import { ANNOTATIONS, LABELS } from "../schemas/names.ts";
import { type Install, metadataOf } from "./context.ts";
import { type Manifest, present } from "./manifest.ts";
import { type ControlProxy, ownProxy } from "./own-proxy.ts";
import {
  type Controller,
  controllerContainer,
  SERVICE_ACCOUNT_VOLUME,
} from "./workload.ts";

/** What of a Deployment differs from one component to the next. */
export interface Component {
  readonly name: string;
  readonly component: string;
  /** Instead of as many as values say. */
  readonly replicas?: number;
  /** In the order they are printed. */
  readonly controllers: readonly Controller[];
  readonly volumes: readonly unknown[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly proxy: Omit<ControlProxy, "ports">;
}

/** A Deployment of the control plane, with our own proxy beside its controllers (design D7). */
export function deployment(install: Install, part: Component): Manifest {
  const { values, namespace } = install;
  const selector = {
    [LABELS.controlPlaneComponent]: part.component,
    [LABELS.controlPlaneNamespace]: namespace,
    [LABELS.proxyDeployment]: part.name,
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadataOf(install, part.name, {
      component: part.component,
      labels: {
        "app.kubernetes.io/name": part.name.replace("linkerd-", ""),
        "app.kubernetes.io/part-of": "Linkerd",
        "app.kubernetes.io/version": values.linkerdVersion,
      },
      // Not of its pods: proxies take other anchors over, and a new template would restart them (docs/decisions/0121).
      annotations: { [ANNOTATIONS.trustRootSha256]: install.trustRootSha256 },
    }),
    spec: {
      replicas: part.replicas ?? values.controllerReplicas,
      revisionHistoryLimit: values.revisionHistoryLimit,
      selector: { matchLabels: selector },
      strategy: { type: "RollingUpdate", ...values.deploymentStrategy },
      template: {
        metadata: {
          annotations: {
            [ANNOTATIONS.createdBy]: values.cliVersion,
            [ANNOTATIONS.proxyVersion]: values.proxy.image.version ||
              values.linkerdVersion,
            [ANNOTATIONS.tapEnabled]: "true",
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "true",
            [ANNOTATIONS.defaultInboundPolicy]: "all-unauthenticated",
            ...values.podAnnotations,
            ...part.annotations,
          },
          labels: {
            ...selector,
            [LABELS.workloadNamespace]: namespace,
            ...values.commonLabels,
            ...values.podLabels,
          },
        },
        spec: podSpec(install, part),
      },
    },
  };
}

function podSpec(install: Install, part: Component): unknown {
  const { values } = install;
  const controllers = part.controllers.map((one) =>
    controllerContainer(values, one)
  );
  const ports = part.controllers.flatMap((one) =>
    one.ports.map(({ containerPort }) => containerPort)
  );
  const proxy = ownProxy(install, { ...part.proxy, ports }, controllers);
  return present({
    affinity: affinity(install, part.component),
    automountServiceAccountToken: false,
    containers: proxy.containers,
    imagePullSecrets: values.imagePullSecrets.length > 0
      ? values.imagePullSecrets
      : undefined,
    initContainers: proxy.initContainers,
    nodeSelector: values.nodeSelector,
    priorityClassName: values.priorityClassName || undefined,
    runtimeClassName: values.runtimeClassName || undefined,
    securityContext: { seccompProfile: { type: "RuntimeDefault" } },
    serviceAccountName: part.name,
    tolerations: values.tolerations,
    volumes: [...part.volumes, SERVICE_ACCOUNT_VOLUME, ...proxy.volumes],
  });
}

/** Replicas apart: never on one node, and if there is a choice, not in one zone. */
function affinity({ values }: Install, component: string): unknown {
  const labelSelector = {
    matchExpressions: [{
      key: LABELS.controlPlaneComponent,
      operator: "In",
      values: [component],
    }],
  };
  const parts = present({
    nodeAffinity: values.nodeAffinity,
    podAntiAffinity: values.enablePodAntiAffinity
      ? {
        preferredDuringSchedulingIgnoredDuringExecution: [{
          podAffinityTerm: {
            labelSelector,
            topologyKey: "topology.kubernetes.io/zone",
          },
          weight: 100,
        }],
        requiredDuringSchedulingIgnoredDuringExecution: [{
          labelSelector,
          topologyKey: "kubernetes.io/hostname",
        }],
      }
      : undefined,
  });
  return Object.keys(parts).length > 0 ? parts : undefined;
}
