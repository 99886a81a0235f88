import { PORTS } from "../schemas/names.ts";
import type { Install } from "./context.ts";
import { formatArgs, logFlags } from "./flags.ts";
import type { Manifest } from "./manifest.ts";
import { clusterRole, role, roleBinding, WATCH } from "./rbac.ts";
import { type Controller, service } from "./workload.ts";

const COMPONENT = "destination";
const ADMIN_PORT = 9990;
const HTTPS_PORT = 9443;

const ACCOUNT = "linkerd-destination";

/** Policy reads the kinds that say who may call and how; the names of role and binding are Linkerd's. */
export function policyAccess(install: Install): Manifest[] {
  return [...readers(install), ...statusWriter(install)];
}

/** Statuses are written by the replica that holds a Lease: of this namespace alone, unlike Linkerd's, which may take any. */
function statusWriter(install: Install): Manifest[] {
  const name = "linkerd-policy";
  const { namespace } = install;
  return [
    role(install, name, [
      {
        apiGroups: ["coordination.k8s.io"],
        resources: ["leases"],
        verbs: ["create", "get", "patch"],
      },
      { apiGroups: ["apps"], resources: ["deployments"], verbs: ["get"] },
    ]),
    roleBinding(install, "linkerd-destination-policy", name, [
      { name: ACCOUNT, namespace },
    ]),
  ];
}

function readers(install: Install): Manifest[] {
  return clusterRole(install, "linkerd-policy", {
    component: COMPONENT,
    serviceAccount: ACCOUNT,
    binding: "linkerd-destination-policy",
    rules: [
      {
        apiGroups: ["policy.linkerd.io"],
        resources: [
          "authorizationpolicies",
          "egressnetworks",
          "httplocalratelimitpolicies",
          "httproutes",
          "meshtlsauthentications",
          "networkauthentications",
          "serverauthorizations",
          "servers",
        ],
        verbs: WATCH,
      },
      {
        apiGroups: ["gateway.networking.k8s.io"],
        resources: [
          "grpcroutes",
          "httproutes",
          "referencegrants",
          "tcproutes",
          "tlsroutes",
        ],
        verbs: WATCH,
      },
      {
        apiGroups: ["multicluster.x-k8s.io"],
        resources: ["serviceimports"],
        verbs: WATCH,
      },
      {
        apiGroups: ["policy.linkerd.io"],
        resources: [
          "egressnetworks/status",
          "httplocalratelimitpolicies/status",
          "httproutes/status",
        ],
        verbs: ["patch"],
      },
      {
        apiGroups: ["gateway.networking.k8s.io"],
        resources: [
          "grpcroutes/status",
          "httproutes/status",
          "tcproutes/status",
          "tlsroutes/status",
        ],
        verbs: ["patch"],
      },
    ],
  });
}

/** Where proxies ask for policy, and where the API server asks what to refuse. */
export function policyServices(install: Install): Manifest[] {
  return [
    service(install, "linkerd-policy", {
      component: COMPONENT,
      port: { name: "grpc", port: PORTS.policy, targetPort: PORTS.policy },
      headless: true,
    }),
    service(install, "linkerd-policy-validator", {
      component: COMPONENT,
      port: { name: "policy-https", port: 443, targetPort: "policy-https" },
    }),
  ];
}

/** Refuses policies that cannot mean anything; the container's name is Linkerd's. */
export function policyValidator({ values }: Install): Controller {
  const { policyController } = values;
  return {
    name: "policy",
    args: formatArgs(
      "policy-validator",
      logFlags(values, policyController.logLevel),
    ),
    ports: [
      { name: "policy-https", containerPort: HTTPS_PORT },
      { name: "policy-admin", containerPort: ADMIN_PORT },
    ],
    adminPort: ADMIN_PORT,
    probes: policyController,
    resources: policyController.resources,
    mounts: [{
      name: "policy-tls",
      mountPath: "/var/run/linkerd/tls",
      readOnly: true,
    }],
  };
}
