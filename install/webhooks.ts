import { Problem } from "../schemas/problem.ts";
import {
  base64,
  type Install,
  metadataOf,
  type WebhookName,
} from "./context.ts";
import type { Manifest } from "./manifest.ts";

interface Webhook {
  /** Its block of values. */
  readonly block: WebhookName;
  /** Service, and stem of Secret and configuration. */
  readonly service: string;
  readonly component: string;
}

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

/** Name of the Secret that a webhook's server mounts. */
export function tlsSecretName(service: string): string {
  return `${service}-k8s-tls`;
}

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

function tlsSecret(install: Install, webhook: Webhook): Manifest[] {
  if (install.values[webhook.block].externalSecret) return [];
  const { crtPEM, keyPEM } = install.webhooks[webhook.block];
  return [{
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadataOf(install, tlsSecretName(webhook.service), {
      component: webhook.component,
    }),
    type: "kubernetes.io/tls",
    data: { "tls.crt": base64(crtPEM), "tls.key": base64(keyPEM) },
  }];
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
        ...trust.clientConfig,
      },
      failurePolicy: install.values.webhookFailurePolicy,
      admissionReviewVersions: ["v1", "v1beta1"],
      sideEffects: "None",
    }],
  };
}

/** Whom the API server trusts for a webhook: cert-manager says so later, or a bundle does now. */
function trustOf(
  install: Install,
  { block }: Webhook,
): {
  readonly annotations: Readonly<Record<string, string>>;
  readonly clientConfig: { readonly caBundle?: string };
} {
  const { externalSecret, caBundle, injectCaFrom, injectCaFromSecret } =
    install.values[block];
  const sources = [caBundle, injectCaFrom, injectCaFromSecret]
    .filter((source) => source !== "").length;
  if (sources > 1) {
    throw refuse(
      block,
      "more than one of caBundle, injectCaFrom and injectCaFromSecret is set",
      "keep the one that says who signed the webhook's certificate",
    );
  }
  if (externalSecret && sources === 0) {
    throw refuse(
      block,
      "externalSecret is set, but not who signed the certificate in it",
      `set ${block}.caBundle, ${block}.injectCaFrom or ${block}.injectCaFromSecret`,
    );
  }
  if (!externalSecret && (injectCaFrom !== "" || injectCaFromSecret !== "")) {
    throw refuse(
      block,
      "injectCaFrom and injectCaFromSecret are for certificates of others",
      `set ${block}.externalSecret=true`,
    );
  }
  if (injectCaFrom !== "") {
    return {
      annotations: { "cert-manager.io/inject-ca-from": injectCaFrom },
      clientConfig: {},
    };
  }
  if (injectCaFromSecret !== "") {
    return {
      annotations: {
        "cert-manager.io/inject-ca-from-secret": injectCaFromSecret,
      },
      clientConfig: {},
    };
  }
  const bundle = caBundle || install.webhooks[block].caBundle;
  return { annotations: {}, clientConfig: { caBundle: base64(bundle) } };
}

function refuse(block: WebhookName, found: string, hint: string): Problem {
  return new Problem("config.invalid", `Cannot use ${block}: ${found}`, {
    hint,
  });
}
