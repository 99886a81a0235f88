import { ANNOTATIONS } from "../schemas/names.ts";
import { GROUP_VERSION, TAP_GROUP, VIZ_GROUP } from "../schemas/tap.ts";
import { type Install, metadataOf } from "./context.ts";
import { deployment } from "./deployment.ts";
import { formatArgs, logFlags } from "./flags.ts";
import type { Manifest } from "./manifest.ts";
import {
  bindClusterRole,
  clusterRole,
  grantedRole,
  roleBinding,
  serviceAccount,
  WATCH,
} from "./rbac.ts";
import { type Served, tlsSecret, tlsSecretName, trustOf } from "./served.ts";
import { service } from "./workload.ts";

const NAME = "linkerd-metrics";
const COMPONENT = "metrics";
const HTTPS_PORT = 8089;
const ADMIN_PORT = 9998;

const SERVED: Served = { block: "tap", service: NAME, component: COMPONENT };

/** Usual probes; Linkerd, whose metrics are an extension, has no values for this component. */
const PROBES = {
  livenessProbe: { timeoutSeconds: 5 },
  readinessProbe: { timeoutSeconds: 5 },
};

/** Where Kubernetes keeps whom its API server lets speak for users, and the Role that reads it. */
const AUTHENTICATION = {
  namespace: "kube-system",
  role: "extension-apiserver-authentication-reader",
};

/** What it may do itself, and what people need to be answered. */
export function metricsAccess(install: Install): Manifest[] {
  const stem = `linkerd-${install.namespace}`;
  const place = { component: COMPONENT };
  return [
    ...clusterRole(install, `${stem}-metrics`, {
      component: COMPONENT,
      serviceAccount: NAME,
      // What scrapes proxies must know where they are.
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: WATCH }],
    }),
    bindClusterRole(install, `${stem}-metrics-auth-delegator`, {
      component: COMPONENT,
      serviceAccount: NAME,
      role: "system:auth-delegator",
    }),
    roleBinding(install, `${stem}-metrics-auth-reader`, AUTHENTICATION.role, [
      { name: NAME, namespace: install.namespace },
    ], AUTHENTICATION.namespace),
    // As Linkerd's, for who is bound to it: header fields of requests are no metrics.
    grantedRole(install, `${stem}-tap-admin`, place, [
      { apiGroups: [TAP_GROUP], resources: ["*"], verbs: ["watch"] },
    ]),
    // Who may look at workloads may look at their metrics; who may at all of them, at the dashboard, which is of no namespace.
    grantedRole(install, `${stem}-metrics-view`, {
      ...place,
      labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" },
    }, [
      { apiGroups: [VIZ_GROUP], resources: ["metrics"], verbs: ["get"] },
      {
        apiGroups: [VIZ_GROUP],
        resources: ["dashboard"],
        verbs: WATCH,
      },
    ]),
    serviceAccount(install, NAME, COMPONENT),
  ];
}

/** Makes the API server pass on what is asked about metrics and live requests. */
export function metricsApis(install: Install): Manifest[] {
  const trust = trustOf(install, SERVED);
  return [
    ...tlsSecret(install, SERVED),
    ...[TAP_GROUP, VIZ_GROUP].map((group) => ({
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: metadataOf(install, `${GROUP_VERSION}.${group}`, {
        component: COMPONENT,
        clusterScoped: true,
        annotations: trust.annotations,
      }),
      spec: {
        group,
        version: GROUP_VERSION,
        // As Linkerd's; nobody else has these groups.
        groupPriorityMinimum: 1_000,
        versionPriority: 100,
        service: { name: NAME, namespace: install.namespace },
        ...trust.fields,
      },
    })),
  ];
}

/** What answers `linkerd viz`, through the API server alone. */
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
        ports: [
          { name: "metrics-api", containerPort: HTTPS_PORT },
          { name: "metrics-admin", containerPort: ADMIN_PORT },
        ],
        adminPort: ADMIN_PORT,
        probes: PROBES,
        resources: undefined,
        mounts: [
          { name: "tls", mountPath: "/var/run/linkerd/tls", readOnly: true },
        ],
      }],
      volumes: [{ name: "tls", secret: { secretName: tlsSecretName(NAME) } }],
      // TLS from the API server, which is not meshed, passes as bytes.
      annotations: { [ANNOTATIONS.opaquePorts]: String(HTTPS_PORT) },
      proxy: {
        serves: "metrics",
        opaquePorts: String(HTTPS_PORT),
        resources: undefined,
      },
    }),
    service(install, NAME, {
      component: COMPONENT,
      port: { name: "metrics-api", port: 443, targetPort: "metrics-api" },
      annotations: { [ANNOTATIONS.opaquePorts]: "443" },
    }),
  ];
}
