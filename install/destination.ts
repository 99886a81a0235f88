import { PORTS } from "../schemas/names.ts";
import { type Install, trustDomainOf } from "./context.ts";
import { deployment } from "./deployment.ts";
import { formatArgs, logFlags } from "./flags.ts";
import type { Manifest } from "./manifest.ts";
import { policyServices, policyValidator } from "./policy.ts";
import { clusterRole, serviceAccount, WATCH } from "./rbac.ts";
import { tlsSecretName } from "./served.ts";
import { type Controller, disruptionBudget, service } from "./workload.ts";

const NAME = "linkerd-destination";
const COMPONENT = "destination";
const ADMIN_PORT = 9996;
const SP_VALIDATOR_PORT = 8443;
const SP_VALIDATOR_ADMIN_PORT = 9997;

/** Discovery reads what there is to call; it needs no Endpoints and no Nodes. */
export function destinationAccess(install: Install): Manifest[] {
  return [
    ...clusterRole(install, `linkerd-${install.namespace}-destination`, {
      component: COMPONENT,
      serviceAccount: NAME,
      rules: [
        {
          apiGroups: [""],
          resources: ["namespaces", "pods", "services"],
          verbs: WATCH,
        },
        {
          apiGroups: ["discovery.k8s.io"],
          resources: ["endpointslices"],
          verbs: [...WATCH, "create", "update", "delete"],
        },
        {
          apiGroups: ["linkerd.io"],
          resources: ["serviceprofiles"],
          verbs: WATCH,
        },
        {
          apiGroups: ["workload.linkerd.io"],
          resources: ["externalworkloads"],
          verbs: WATCH,
        },
      ],
    }),
    serviceAccount(install, NAME, COMPONENT),
  ];
}

/** What tells proxies where to go and whom to let in, and what refuses configuration that cannot mean anything. */
export function destination(install: Install): Manifest[] {
  const port = {
    name: "grpc",
    port: PORTS.destination,
    targetPort: PORTS.destination,
  };
  return [
    service(install, "linkerd-dst", { component: COMPONENT, port }),
    service(install, "linkerd-dst-headless", {
      component: COMPONENT,
      port,
      headless: true,
    }),
    service(install, "linkerd-sp-validator", {
      component: COMPONENT,
      port: { name: "sp-validator", port: 443, targetPort: "sp-validator" },
    }),
    ...policyServices(install),
    ...disruptionBudget(install, "linkerd-dst", COMPONENT),
    destinationDeployment(install),
  ];
}

function destinationDeployment(install: Install): Manifest {
  const { values } = install;
  return deployment(install, {
    name: NAME,
    component: COMPONENT,
    controllers: [
      discovery(install),
      profileValidator(install),
      policyValidator(install),
    ],
    volumes: [
      {
        name: "sp-tls",
        secret: { secretName: tlsSecretName("linkerd-sp-validator") },
      },
      {
        name: "policy-tls",
        secret: { secretName: tlsSecretName("linkerd-policy-validator") },
      },
    ],
    annotations: values.destinationController.podAnnotations,
    proxy: {
      serves: "destination",
      resources: values.destinationProxyResources,
    },
  });
}

/** Discovery and policy share one process here, for they share one index; Linkerd has two. */
function discovery(install: Install): Controller {
  const { values, namespace } = install;
  const { destinationController, policyController } = values;
  return {
    name: "destination",
    args: [
      ...formatArgs("destination", {
        "controller-namespace": namespace,
        "identity-trust-domain": trustDomainOf(install),
        "cluster-domain": values.clusterDomain,
        "cluster-networks": values.clusterNetworks,
        "probe-networks": values.policyController.probeNetworks.join(","),
        "default-policy": values.proxy.defaultInboundPolicy,
        "default-opaque-ports": values.proxy.opaquePorts,
        "outbound-transport-mode": values.proxy.outboundTransportMode,
        "enable-h2-upgrade": String(values.enableH2Upgrade),
        "enable-ipv6": String(!values.disableIPv6),
        "global-egress-network-namespace":
          values.egress.globalEgressNetworkNamespace,
        ...logFlags(values),
      }),
      ...destinationController.additionalArgs ?? [],
      ...destinationController.experimentalArgs ?? [],
      // What Linkerd's policy container serves is served here, so what is asked of it is asked of this one.
      ...policyController.additionalArgs ?? [],
      ...policyController.experimentalArgs ?? [],
    ],
    ports: [
      { name: "dest-grpc", containerPort: PORTS.destination },
      { name: "policy-grpc", containerPort: PORTS.policy },
      { name: "dest-admin", containerPort: ADMIN_PORT },
    ],
    adminPort: ADMIN_PORT,
    probes: destinationController,
    resources: values.destinationResources,
    env: [
      ...destinationController.additionalEnv ?? [],
      ...destinationController.experimentalEnv ?? [],
    ],
    mounts: [],
  };
}

function profileValidator({ values }: Install): Controller {
  return {
    name: "sp-validator",
    args: formatArgs("sp-validator", logFlags(values)),
    ports: [
      { name: "sp-validator", containerPort: SP_VALIDATOR_PORT },
      { name: "spval-admin", containerPort: SP_VALIDATOR_ADMIN_PORT },
    ],
    adminPort: SP_VALIDATOR_ADMIN_PORT,
    probes: values.spValidator,
    resources: values.spValidatorResources,
    env: [
      ...values.spValidator.additionalEnv ?? [],
      ...values.spValidator.experimentalEnv ?? [],
    ],
    mounts: [{
      name: "sp-tls",
      mountPath: "/var/run/linkerd/tls",
      readOnly: true,
    }],
  };
}
