import { DEFAULT_VALUES } from "../schemas/values/defaults.ts";
import { diffValues } from "../schemas/values/merge.ts";
import type { Overrides, Values } from "../schemas/values.ts";
import { base64, type Install, metadataOf, trustDomainOf } from "./context.ts";
import type { Manifest } from "./manifest.ts";
import { role, roleBinding } from "./rbac.ts";

const CONFIG = "linkerd-config";
const OVERRIDES = "linkerd-config-overrides";
const CONFIG_ROLE = "ext-namespace-metadata-linkerd-config";

/** The values in force, as the injector and `linkerd upgrade` read them, and who may read them too. */
export function config(install: Install): Manifest[] {
  const { values } = install;
  const shown = {
    ...withoutKeys(values),
    identityTrustDomain: trustDomainOf(install),
  };
  return [
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: metadataOf(install, CONFIG, { component: "controller" }),
      data: { values: install.yaml(shown) },
    },
    role(install, CONFIG_ROLE, [{
      apiGroups: [""],
      resources: ["configmaps"],
      resourceNames: [CONFIG],
      verbs: ["get"],
    }]),
    ...(values.configReaders === undefined ? [] : [
      roleBinding(
        install,
        "linkerd-config-reader",
        CONFIG_ROLE,
        values.configReaders,
      ),
    ]),
  ];
}

/** What the user asked for beyond the defaults, the issuer's key included: `linkerd upgrade` starts from it. */
export function overrides(install: Install): Manifest {
  const { cliVersion: _, ...asked } = diffValues(
    DEFAULT_VALUES,
    install.values,
  );
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadataOf(install, OVERRIDES),
    data: { [OVERRIDES]: base64(install.yaml(asked)) },
  };
}

/** A ConfigMap is no place for private keys. */
function withoutKeys(values: Values): Overrides {
  const { identity, proxyInjector, profileValidator, policyValidator, tap } =
    values;
  return {
    ...values,
    identity: {
      ...identity,
      issuer: {
        ...identity.issuer,
        tls: { crtPEM: identity.issuer.tls.crtPEM },
      },
    },
    proxyInjector: withoutKey(proxyInjector),
    profileValidator: withoutKey(profileValidator),
    policyValidator: withoutKey(policyValidator),
    tap: withoutKey(tap),
  };
}

function withoutKey<T extends { readonly keyPEM: string }>(
  block: T,
): Omit<T, "keyPEM"> {
  const { keyPEM: _, ...rest } = block;
  return rest;
}
