import { LABELS } from "../schemas/names.ts";
import { type Install, metadataOf } from "./context.ts";
import type { Manifest } from "./manifest.ts";

/** Names of admin ports of the control plane's containers. */
const ADMIN_PORTS = [
  "ident-admin",
  "dest-admin",
  "spval-admin",
  "policy-admin",
  "injector-admin",
  "metrics-admin",
];

/** What pods belong to, told by the injector's labels, under the names that dashboards and `linkerd viz` know. */
const OWNER_LABEL = "__meta_kubernetes_pod_label_linkerd_io_proxy_";
const OWNERS = [
  {
    sourceLabels: [`${OWNER_LABEL}job`],
    regex: "(.+)",
    targetLabel: "k8s_job",
  },
  { action: "labeldrop", regex: `${OWNER_LABEL}job` },
  { action: "labelmap", regex: `${OWNER_LABEL}(.+)` },
];

/** What the Prometheus operator is to scrape; only where values ask for it. */
export function podMonitors(install: Install): Manifest[] {
  const { podMonitor } = install.values;
  if (!podMonitor.enabled) return [];
  return [
    ...(podMonitor.controller.enabled ? [controllers(install)] : []),
    ...(podMonitor.proxy.enabled ? [proxies(install)] : []),
  ];
}

function controllers(install: Install): Manifest {
  return monitor(install, "linkerd-controller", {
    namespaceSelector: { matchNames: [install.namespace] },
    selector: {
      matchExpressions: [{
        key: LABELS.controlPlaneComponent,
        operator: "Exists",
      }],
    },
    podMetricsEndpoints: ADMIN_PORTS.map((port) => scrape(install, port)),
  });
}

function proxies(install: Install): Manifest {
  return monitor(install, "linkerd-proxy", {
    namespaceSelector: { any: true },
    selector: {
      matchLabels: { [LABELS.controlPlaneNamespace]: install.namespace },
    },
    podMetricsEndpoints: [{
      ...scrape(install, "linkerd-admin"),
      relabelings: OWNERS,
    }],
  });
}

function monitor(
  install: Install,
  name: string,
  spec: Readonly<Record<string, unknown>>,
): Manifest {
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PodMonitor",
    metadata: metadataOf(install, name, {
      labels: install.values.podMonitor.labels,
    }),
    spec,
  };
}

function scrape({ values }: Install, port: string) {
  const { scrapeInterval, scrapeTimeout } = values.podMonitor;
  return { port, path: "/metrics", interval: scrapeInterval, scrapeTimeout };
}
