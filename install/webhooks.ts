import { type Install, metadataOf, type ServedName } from "./context.ts";
import type { Manifest } from "./manifest.ts";
import { type Served, tlsSecret, trustOf } from "./served.ts";

type Webhook = Served<Exclude<ServedName, "tap">>;

export const INJECTOR: Webhook = {
  block: "proxyInjector",
  service: "linkerd-proxy-injector",
  component: "proxy-injector",
};
const SP_VALIDATOR: Webhook = {
  block: "profileValidator",
  service: "linkerd-sp-validator",
  component: "destination",
};
const POLICY_VALIDATOR: Webhook = {
  block: "policyValidator",
  service: "linkerd-policy-validator",
  component: "destination",
};

/** The webhook that adds proxies to pods, and opaque ports to what has none. */
export function injectorWebhook(install: Install): Manifest[] {
  const { values } = install;
  return [
    ...tlsSecret(install, INJECTOR),
    configuration(install, INJECTOR, "MutatingWebhookConfiguration", {
      namespaceSelector: values.proxyInjector.namespaceSelector,
      objectSelector: values.proxyInjector.objectSelector,
      timeoutSeconds: values.proxyInjector.timeoutSeconds,
      rules: [{
        operations: ["CREATE"],
        apiGroups: [""],
        apiVersions: ["v1"],
        resources: ["pods", "services"],
        scope: "Namespaced",
      }],
    }),
  ];
}

/** The webhooks that refuse ServiceProfiles and policies which cannot mean anything. */
export function validatorWebhooks(install: Install): Manifest[] {
  const { values } = install;
  const operations = ["CREATE", "UPDATE"];
  return [
    ...tlsSecret(install, SP_VALIDATOR),
    configuration(install, SP_VALIDATOR, "ValidatingWebhookConfiguration", {
      namespaceSelector: values.profileValidator.namespaceSelector,
      rules: [{
        operations,
        apiGroups: ["linkerd.io"],
        apiVersions: ["v1alpha1", "v1alpha2"],
        resources: ["serviceprofiles"],
        scope: "Namespaced",
      }],
    }),
    ...tlsSecret(install, POLICY_VALIDATOR),
    configuration(install, POLICY_VALIDATOR, "ValidatingWebhookConfiguration", {
      namespaceSelector: values.policyValidator.namespaceSelector,
      rules: [{
        operations,
        apiGroups: ["policy.linkerd.io"],
        apiVersions: ["*"],
        resources: [
          "authorizationpolicies",
          "httplocalratelimitpolicies",
          "httproutes",
          "networkauthentications",
          "meshtlsauthentications",
          "serverauthorizations",
          "servers",
          "egressnetworks",
        ],
        scope: "Namespaced",
      }, {
        operations,
        apiGroups: ["gateway.networking.k8s.io"],
        apiVersions: ["*"],
        resources: ["httproutes", "grpcroutes", "tlsroutes", "tcproutes"],
        scope: "Namespaced",
      }],
    }),
  ];
}

function configuration(
  install: Install,
  webhook: Webhook,
  kind: "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
  fields: Readonly<Record<string, unknown>>,
): Manifest {
  const { service, component } = webhook;
  const trust = trustOf(install, webhook);
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: metadataOf(install, `${service}-webhook-config`, {
      component,
      clusterScoped: true,
      annotations: trust.annotations,
    }),
    webhooks: [{
      name: `${service}.linkerd.io`,
      ...fields,
      clientConfig: {
        service: { name: service, namespace: install.namespace, path: "/" },
        ...trust.fields,
      },
      failurePolicy: install.values.webhookFailurePolicy,
      admissionReviewVersions: ["v1", "v1beta1"],
      sideEffects: "None",
    }],
  };
}
