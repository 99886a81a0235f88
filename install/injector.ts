import { ANNOTATIONS } from "../schemas/names.ts";
import type { Install } from "./context.ts";
import { deployment } from "./deployment.ts";
import { formatArgs, logFlags } from "./flags.ts";
import { TRUST_ROOTS_VOLUME } from "./identity.ts";
import type { Manifest } from "./manifest.ts";
import { clusterRole, serviceAccount, WATCH } from "./rbac.ts";
import { tlsSecretName } from "./served.ts";
import { disruptionBudget, service } from "./workload.ts";

const NAME = "linkerd-proxy-injector";
const COMPONENT = "proxy-injector";
const HTTPS_PORT = 8443;
const ADMIN_PORT = 9995;

/** The injector reads namespaces' annotations and finds the owners of pods, on whom it records events. */
export function injectorAccess(install: Install): Manifest[] {
  return [
    ...clusterRole(install, `linkerd-${install.namespace}-proxy-injector`, {
      component: COMPONENT,
      serviceAccount: NAME,
      rules: [
        { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
        { apiGroups: [""], resources: ["namespaces"], verbs: WATCH },
        { apiGroups: ["apps"], resources: ["replicasets"], verbs: WATCH },
        { apiGroups: ["batch"], resources: ["jobs"], verbs: WATCH },
      ],
    }),
    serviceAccount(install, NAME, COMPONENT),
  ];
}

/** What adds proxies to pods, and where the API server finds it. */
export function injector(install: Install): Manifest[] {
  const { values, namespace } = install;
  const { proxyInjector } = values;
  return [
    deployment(install, {
      name: NAME,
      component: COMPONENT,
      controllers: [{
        name: "proxy-injector",
        args: formatArgs("proxy-injector", {
          "controller-namespace": namespace,
          ...logFlags(values),
        }),
        ports: [
          { name: "proxy-injector", containerPort: HTTPS_PORT },
          { name: "injector-admin", containerPort: ADMIN_PORT },
        ],
        adminPort: ADMIN_PORT,
        probes: proxyInjector,
        resources: values.proxyInjectorResources,
        env: [
          ...proxyInjector.additionalEnv ?? [],
          ...proxyInjector.experimentalEnv ?? [],
        ],
        mounts: [
          { name: "config", mountPath: "/var/run/linkerd/config" },
          {
            name: TRUST_ROOTS_VOLUME.name,
            mountPath: "/var/run/linkerd/identity/trust-roots",
          },
          { name: "tls", mountPath: "/var/run/linkerd/tls", readOnly: true },
        ],
      }],
      volumes: [
        { name: "config", configMap: { name: "linkerd-config" } },
        TRUST_ROOTS_VOLUME,
        { name: "tls", secret: { secretName: tlsSecretName(NAME) } },
      ],
      // TLS from the API server, which is not meshed, passes as bytes.
      annotations: { [ANNOTATIONS.opaquePorts]: String(HTTPS_PORT) },
      proxy: {
        serves: "proxy-injector",
        opaquePorts: String(HTTPS_PORT),
        resources: values.proxyInjectorProxyResources,
      },
    }),
    service(install, NAME, {
      component: COMPONENT,
      port: { name: "proxy-injector", port: 443, targetPort: "proxy-injector" },
      annotations: { [ANNOTATIONS.opaquePorts]: "443" },
    }),
    ...disruptionBudget(install, NAME, COMPONENT),
  ];
}
