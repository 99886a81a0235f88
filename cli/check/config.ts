import { parse } from "yaml";
import { Problem } from "../../schemas/problem.ts";
import { isMap, mergeValues } from "../../schemas/values/merge.ts";
import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";

/** What checks read of an installed control plane's values, whatever version wrote them. */
export interface InstalledConfig {
  readonly version: string;
  readonly clusterNetworks: string;
  readonly cniEnabled: boolean;
  readonly highAvailability: boolean;
  /** `linkerd.io/tls` or `kubernetes.io/tls`: who keeps the issuer. */
  readonly issuerScheme: string;
  readonly trustAnchorsPEM: string;
  readonly externalCA: boolean;
  readonly proxyInitRunAsRoot: boolean;
  readonly tokenProjection: boolean;
  /** Ports that are opaque unless a pod or Service says otherwise. */
  readonly opaquePorts: string;
}

/**
 * The values in ConfigMap `linkerd-config`. They are not validated: they may be another version's. What is missing is
 * as by default; older layouts keep some below `global`. Throws `config.invalid` when they are no YAML map.
 */
export function parseConfig(text: string): InstalledConfig {
  const found: unknown = parse(text, { version: "1.1" });
  if (!isMap(found)) {
    throw new Problem(
      "config.invalid",
      'Cannot read ConfigMap "linkerd-config": its key "values" holds no YAML map',
    );
  }
  const { global, ...rest } = found;
  const written = isMap(global) ? mergeValues(global, rest) : rest;
  const values = mergeValues(DEFAULT_VALUES, written);
  const read = (path: string) => String(at(values, path) ?? "");
  return {
    version: String(at(written, "linkerdVersion") ?? ""),
    clusterNetworks: read("clusterNetworks"),
    cniEnabled: at(values, "cniEnabled") === true,
    highAvailability: at(values, "highAvailability") === true,
    issuerScheme: read("identity.issuer.scheme"),
    trustAnchorsPEM: read("identityTrustAnchorsPEM"),
    externalCA: at(values, "identity.externalCA") === true,
    proxyInitRunAsRoot: at(values, "proxyInit.runAsRoot") === true,
    tokenProjection:
      at(values, "identity.serviceAccountTokenProjection") !== false,
    opaquePorts: read("proxy.opaquePorts"),
  };
}

function at(values: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>(
    (value, key) => isMap(value) ? value[key] : undefined,
    values,
  );
}
