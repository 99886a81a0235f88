import { PORTS } from "../schemas/names.ts";
import { base64, type Install, metadataOf, trustDomainOf } from "./context.ts";
import { deployment } from "./deployment.ts";
import { formatArgs, logFlags } from "./flags.ts";
import type { Manifest } from "./manifest.ts";
import { clusterRole, serviceAccount } from "./rbac.ts";
import { disruptionBudget, service } from "./workload.ts";

const NAME = "linkerd-identity";
const COMPONENT = "identity";
const ADMIN_PORT = 9990;
const ISSUER = "linkerd-identity-issuer";
const TRUST_ROOTS = "linkerd-identity-trust-roots";

/** Trust anchors of the whole mesh, where pods of the control plane find them. */
export const TRUST_ROOTS_VOLUME = {
  name: "trust-roots",
  configMap: { name: TRUST_ROOTS },
};

/** Identity asks the API server whose token it was shown, and tells events. */
export function identityAccess(install: Install): Manifest[] {
  return [
    ...clusterRole(install, `linkerd-${install.namespace}-identity`, {
      component: COMPONENT,
      serviceAccount: NAME,
      rules: [
        {
          apiGroups: ["authentication.k8s.io"],
          resources: ["tokenreviews"],
          verbs: ["create"],
        },
        { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
      ],
    }),
    serviceAccount(install, NAME, COMPONENT),
  ];
}

/** What signs workload certificates, and how to reach it. */
export function identity(install: Install): Manifest[] {
  const port = {
    name: "grpc",
    port: PORTS.identity,
    targetPort: PORTS.identity,
  };
  return [
    ...credentials(install),
    service(install, NAME, { component: COMPONENT, port }),
    service(install, `${NAME}-headless`, {
      component: COMPONENT,
      port,
      headless: true,
    }),
    ...disruptionBudget(install, NAME, COMPONENT),
    identityDeployment(install),
  ];
}

function credentials(install: Install): Manifest[] {
  const { identity, identityTrustAnchorsPEM } = install.values;
  const { scheme, tls } = identity.issuer;
  const issuer: Manifest = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadataOf(install, ISSUER, { component: COMPONENT }),
    data: { "crt.pem": base64(tls.crtPEM), "key.pem": base64(tls.keyPEM) },
  };
  const anchors: Manifest = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadataOf(install, TRUST_ROOTS, { component: COMPONENT }),
    data: { "ca-bundle.crt": identityTrustAnchorsPEM },
  };
  return [
    ...(scheme === "linkerd.io/tls" ? [issuer] : []),
    ...(identity.externalCA ? [] : [anchors]),
  ];
}

function identityDeployment(install: Install): Manifest {
  const { values, namespace } = install;
  const { identity } = values;
  return deployment(install, {
    name: NAME,
    component: COMPONENT,
    controllers: [{
      name: "identity",
      args: formatArgs("identity", {
        "controller-namespace": namespace,
        "identity-trust-domain": trustDomainOf(install),
        "identity-issuance-lifetime": identity.issuer.issuanceLifetime,
        "identity-clock-skew-allowance": identity.issuer.clockSkewAllowance,
        "identity-scheme": identity.issuer.scheme,
        ...logFlags(values),
      }),
      ports: [
        { name: "ident-grpc", containerPort: PORTS.identity },
        { name: "ident-admin", containerPort: ADMIN_PORT },
      ],
      adminPort: ADMIN_PORT,
      probes: identity,
      resources: values.identityResources,
      env: [
        ...identity.additionalEnv ?? [],
        ...identity.experimentalEnv ?? [],
      ],
      mounts: [
        {
          name: "identity-issuer",
          mountPath: "/var/run/linkerd/identity/issuer",
        },
        {
          name: TRUST_ROOTS_VOLUME.name,
          mountPath: "/var/run/linkerd/identity/trust-roots/",
        },
      ],
    }],
    volumes: [
      { name: "identity-issuer", secret: { secretName: ISSUER } },
      TRUST_ROOTS_VOLUME,
    ],
    annotations: identity.podAnnotations,
    proxy: { serves: "identity", resources: values.identityProxyResources },
  });
}
