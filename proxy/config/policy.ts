import { type Network, parseNetwork } from "../../schemas/address.ts";
import type {
  Authentication,
  ServerMeta,
  ServerPolicy,
} from "../../schemas/policy.ts";
import { choice, list, network, text } from "./forms.ts";
import {
  optional,
  readText,
  refine,
  required,
  section,
  type Setting,
  variable,
} from "./setting.ts";

/** Which clients a port admits until the control plane has spoken. */
export type DefaultPolicy =
  | "deny"
  | "all-authenticated"
  | "all-unauthenticated"
  | "cluster-authenticated"
  | "cluster-unauthenticated"
  | "audit";

export interface PolicyConfig {
  /** Names this workload to the control plane, unread by us: `{"ns":"shop","pod":"web-1"}`. */
  readonly workload: string;
  readonly clusterNetworks: readonly Network[];
  readonly defaultPolicy: DefaultPolicy;
}

const FALLBACK = "all-unauthenticated";

export const policy: Setting<PolicyConfig> = refine(
  section<PolicyConfig>({
    workload: required("POLICY_WORKLOAD", text, ""),
    clusterNetworks: optional("POLICY_CLUSTER_NETWORKS", list(network), []),
    defaultPolicy: optional(
      "INBOUND_DEFAULT_POLICY",
      choice<DefaultPolicy>(
        "deny",
        "all-authenticated",
        "all-unauthenticated",
        "cluster-authenticated",
        "cluster-unauthenticated",
        "audit",
      ),
      FALLBACK,
    ),
  }),
  (value, source) => {
    const name = variable("INBOUND_DEFAULT_POLICY");
    if (readText(source, "INBOUND_DEFAULT_POLICY") === null) {
      source.warnings.push(`${name} is not set: taking "${FALLBACK}"`);
    }
    if (
      readText(source, "POLICY_CLUSTER_NETWORKS") === null &&
      /^cluster-|^audit$/.test(value.defaultPolicy)
    ) {
      source.mistakes.push(
        `${name} is "${value.defaultPolicy}", expected ${
          variable("POLICY_CLUSTER_NETWORKS")
        } to be set with it`,
      );
    }
    return value;
  },
);

const EVERYWHERE: readonly Network[] = ["0.0.0.0/0", "::/0"].map(parseNetwork);
const ANY_IDENTITY: Authentication = {
  kind: "identities",
  identities: new Set(),
  suffixes: [""],
};

/** The default policy as the control plane would send it; `opaque` is its variant for ports without detection. */
export function defaultServerPolicy(
  config: PolicyConfig,
  protocol: { readonly detectTimeoutMs: number } | "opaque",
): ServerPolicy {
  const name = config.defaultPolicy;
  const meta: ServerMeta = { group: "", kind: "default", name };
  if (name === "deny") {
    return { protocol: { kind: "opaque" }, authorizations: [], meta };
  }
  const networks = name.startsWith("cluster-")
    ? config.clusterNetworks
    : EVERYWHERE;
  return {
    protocol: protocol === "opaque"
      ? { kind: "opaque" }
      : { kind: "detect", timeoutMs: protocol.detectTimeoutMs },
    authorizations: [{
      networks: networks.map((network) => ({ network, except: [] })),
      authentication: name.endsWith("-authenticated")
        ? ANY_IDENTITY
        : { kind: "unauthenticated" },
      meta,
    }],
    meta,
  };
}
