import { hostname } from "node:os";
import { type Network, parseNetwork } from "../../schemas/address.ts";
import { INBOUND_MODES } from "../index/modes.ts";
import { parsePortRanges } from "../index/ports.ts";
import { createSettings, type Settings } from "../index/settings.ts";
import type { ApiServer } from "../kube/in-cluster.ts";
import { type ListenAddress, parseListenAddress } from "./address.ts";
import { DESTINATION_FLAGS } from "./known-flags.ts";
import {
  type Common,
  type Env,
  readApiServer,
  readProgram,
  SOURCES,
} from "./program.ts";
import {
  oneOf,
  parseBoolean,
  parseCount,
  parseDomain,
  parseLabel,
} from "./values.ts";

export interface DestinationConfig extends Common {
  readonly program: "destination";
  readonly policyAddress: ListenAddress;
  readonly settings: Settings;
  /** Where the world is read from. */
  readonly source:
    | { readonly kind: "files"; readonly manifests: string }
    | {
      readonly kind: "kube";
      readonly server: ApiServer;
      /** The name of this pod, unlike every other replica's. */
      readonly replica: string;
      /** A status that takes longer to write is tried again. */
      readonly patchTimeoutMs: number;
    };
}

export function parseDestination(
  argv: readonly string[],
  env: Env,
): DestinationConfig {
  return readProgram(argv, env, DESTINATION_FLAGS, (flags) => {
    const source = flags.read("source", oneOf(SOURCES));
    for (const [name, value] of FIXED) {
      if (flags.text(name) !== value) {
        flags.fail(`--${name}: this version has only ${value}`);
      }
    }
    const own: Omit<DestinationConfig, keyof Common> = {
      program: "destination",
      policyAddress: flags.read("policy-addr", parseListenAddress),
      settings: createSettings({
        controlNamespace: flags.read("controller-namespace", parseLabel),
        trustDomain: flags.read("identity-trust-domain", parseDomain),
        clusterDomain: flags.read("cluster-domain", parseDomain),
        clusterNetworks: flags.read("cluster-networks", parseNetworks),
        probeNetworks: flags.read("probe-networks", parseNetworks),
        defaultInboundPolicy: flags.read(
          "default-policy",
          oneOf(INBOUND_MODES),
        ),
        defaultOpaquePorts: flags.read("default-opaque-ports", parsePortRanges),
        ipv6: flags.read("enable-ipv6", parseBoolean),
        globalEgressNamespace: flags.read(
          "global-egress-network-namespace",
          parseLabel,
        ),
        allowsRequestFields: flags.read(
          "allow-l5d-request-headers",
          parseBoolean,
        ),
      }),
      source: source === "files"
        ? { kind: "files", manifests: flags.text("manifests") }
        : {
          kind: "kube",
          server: readApiServer(flags, env),
          replica: env["HOSTNAME"] ?? hostname(),
          patchTimeoutMs: flags.read("patch-timeout-ms", parseCount),
        },
    };
    if (source === "kube" && flags.text("manifests", false) !== "") {
      flags.fail("--manifests: not used with --source kube");
    }
    return own;
  });
}

function parseNetworks(text: string): Network[] {
  return text.split(",").map(parseNetwork);
}

/** Flags of Linkerd's whose other values are not built yet. */
const FIXED = [
  ["outbound-transport-mode", "transport-header"],
  ["enable-h2-upgrade", "true"],
] as const;
