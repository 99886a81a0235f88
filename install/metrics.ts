import type { Install } from "./context.ts";
import { deployment } from "./deployment.ts";
import { formatArgs, logFlags } from "./flags.ts";
import type { Manifest } from "./manifest.ts";
import { clusterRole, serviceAccount, WATCH } from "./rbac.ts";

const NAME = "linkerd-metrics";
const COMPONENT = "metrics";
const ADMIN_PORT = 9998;

/** Usual probes; Linkerd, whose metrics are an extension, has no values for this component. */
const PROBES = {
  livenessProbe: { timeoutSeconds: 5 },
  readinessProbe: { timeoutSeconds: 5 },
};

/** What scrapes proxies must know where they are. */
export function metricsAccess(install: Install): Manifest[] {
  return [
    ...clusterRole(install, `linkerd-${install.namespace}-metrics`, {
      component: COMPONENT,
      serviceAccount: NAME,
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: WATCH }],
    }),
    serviceAccount(install, NAME, COMPONENT),
  ];
}

/** What answers `linkerd viz`. It has no Service: it listens on its Pod's loopback, which port-forwards reach. */
export function metrics(install: Install): Manifest[] {
  const { values } = install;
  const { prometheusUrl } = values;
  return [
    deployment(install, {
      name: NAME,
      component: COMPONENT,
      // Each would scrape every proxy; what one has seen is gone with it, and nothing but graphs depends on it.
      replicas: 1,
      controllers: [{
        name: "metrics",
        args: formatArgs("metrics", {
          ...prometheusUrl === "" ? {} : { "prometheus-url": prometheusUrl },
          ...logFlags(values),
        }),
        ports: [{ name: "metrics-admin", containerPort: ADMIN_PORT }],
        adminPort: ADMIN_PORT,
        probes: PROBES,
        resources: undefined,
        mounts: [],
      }],
      volumes: [],
      annotations: {},
      proxy: { serves: "metrics", resources: undefined },
    }),
  ];
}
