import { parseNetwork } from "../schemas/address.ts";
import { describe, Problem } from "../schemas/problem.ts";
import type { Values } from "../schemas/values.ts";
import { duration, type Form, logFilter } from "./inject/forms.ts";
import { ports } from "./inject/port-list.ts";
import { amountOf, quantity } from "./inject/quantity.ts";

/** RFC 1123. */
const LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
const DOMAIN = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
const DOMAIN_MAX_CHARS = 253;
const VERSION = /^[.a-zA-Z0-9-]+$/;

/** What types cannot say about values; throws `config.invalid` with the first that cannot mean anything. */
export function checkValues(values: Values): void {
  const { proxy, proxyInit, controllerImageVersion } = values;
  const versions = [
    values.linkerdVersion,
    controllerImageVersion,
    proxy.image.version,
    values.debugContainer.image.version,
  ];
  for (const version of versions) {
    if (version !== "" && !VERSION.test(version)) {
      throw refuse(`${version} is not a valid version`);
    }
  }
  checkDomain(values.identityTrustDomain, "trust domain");
  checkDomain(values.clusterDomain, "cluster domain");
  checkNetworks(values.clusterNetworks);
  const form = <T>(key: string, text: string, { allowed, parse }: Form<T>) => {
    if (parse(text) === undefined) {
      throw refuse(`Cannot use ${key} "${text}": expected ${allowed}`);
    }
  };
  form("proxy.logLevel", proxy.logLevel, logFilter);
  form("proxy.opaquePorts", proxy.opaquePorts, ports);
  form("proxyInit.ignoreInboundPorts", proxyInit.ignoreInboundPorts, ports);
  form("proxyInit.ignoreOutboundPorts", proxyInit.ignoreOutboundPorts, ports);
  form("proxyInit.kubeAPIServerPorts", proxyInit.kubeAPIServerPorts, ports);
  const { issuanceLifetime, clockSkewAllowance } = values.identity.issuer;
  form("identity.issuer.issuanceLifetime", issuanceLifetime, duration);
  form("identity.issuer.clockSkewAllowance", clockSkewAllowance, duration);
  checkTracing(values);
  for (const resources of resourcesIn(values)) checkResources(resources);
  if (proxy.outboundTransportMode !== "transport-header") {
    throw refuse(
      `Cannot use proxy.outboundTransportMode "${proxy.outboundTransportMode}": this version has only transport-header`,
    );
  }
}

/** Traces need somebody to take them, and his name, for they travel by mutual TLS. */
function checkTracing({ proxy }: Values): void {
  const { enabled, collector } = proxy.tracing;
  const { endpoint, meshIdentity } = collector;
  if (!enabled) return;
  const wanted = {
    endpoint,
    "meshIdentity.serviceAccountName": meshIdentity.serviceAccountName,
    "meshIdentity.namespace": meshIdentity.namespace,
  };
  for (const [key, text] of Object.entries(wanted)) {
    if (text !== "") continue;
    throw refuse(
      `Cannot trace: proxy.tracing.collector.${key} is empty, but proxy.tracing.enabled is true`,
    );
  }
}

/** Quantities of one container, in any of the forms that values have. */
interface Quantities {
  readonly cpu?: Amount | undefined;
  readonly memory?: Amount | undefined;
  readonly "ephemeral-storage"?: Amount | undefined;
}
interface Amount {
  readonly request?: string | undefined;
  readonly limit?: string | undefined;
}

function resourcesIn(values: Values): Quantities[] {
  return [
    values.proxy.resources,
    values.identityResources,
    values.identityProxyResources,
    values.destinationResources,
    values.destinationProxyResources,
    values.spValidatorResources,
    values.policyController.resources,
    values.proxyInjectorResources,
    values.proxyInjectorProxyResources,
  ].filter((one) => one !== undefined);
}

function checkResources(resources: Quantities): void {
  for (const name of ["cpu", "memory", "ephemeral-storage"] as const) {
    const { request = "", limit = "" } = resources[name] ?? {};
    for (const [side, text] of [["request", request], ["limit", limit]]) {
      if (text && quantity.parse(text) === undefined) {
        throw refuse(
          `Invalid ${name} ${side} '${text}': expected ${quantity.allowed}`,
        );
      }
    }
    if (request && limit && amountOf(limit) < amountOf(request)) {
      throw refuse(
        `The ${name} limit '${limit}' cannot be lower than the ${name} request '${request}'`,
      );
    }
  }
}

function checkDomain(text: string, what: string): void {
  if (text === "" || (DOMAIN.test(text) && text.length <= DOMAIN_MAX_CHARS)) {
    return;
  }
  throw refuse(
    `invalid ${what} '${text}': expected a DNS name of lower-case letters, digits, dashes and dots`,
  );
}

function checkNetworks(text: string): void {
  try {
    text.split(",").forEach(parseNetwork);
  } catch (cause) {
    throw new Problem(
      "config.invalid",
      `cannot parse destination get networks: ${describe(cause)}`,
      { hint: "clusterNetworks is a list such as 10.0.0.0/8,fd00::/8", cause },
    );
  }
}

function refuse(message: string): Problem {
  return new Problem("config.invalid", message);
}
