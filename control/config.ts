import { type Network, parseNetwork } from "../schemas/address.ts";
import type { Realm } from "../schemas/identity.ts";
import { describe, Problem } from "../schemas/problem.ts";
import { type ListenAddress, parseListenAddress } from "./config/address.ts";
import { parseGoDuration } from "./config/duration.ts";
import { type FlagReader, formatFlags, readFlags } from "./config/flags.ts";
import {
  DESTINATION_FLAGS,
  IDENTITY_FLAGS,
  INJECTOR_FLAGS,
} from "./config/known-flags.ts";
import {
  oneOf,
  parseBoolean,
  parseDomain,
  parseLabel,
  parseLifetime,
} from "./config/values.ts";
import { INBOUND_MODES } from "./index/modes.ts";
import { parsePortRanges } from "./index/ports.ts";
import { createSettings, type Settings } from "./index/settings.ts";
import type { Lifetime } from "./issuer/leaf.ts";
import { type IssuerPaths, issuerPaths } from "./issuer/load.ts";
import { type ApiServer, findApiServer } from "./kube/in-cluster.ts";
import { LEVELS, type LogOptions } from "./log.ts";

/** What one program of the control plane is told to do. */
export type Config =
  | IdentityConfig
  | DestinationConfig
  | InjectorConfig
  | { readonly program: "help"; readonly text: string };

interface Common {
  readonly address: ListenAddress;
  readonly adminAddress: ListenAddress;
  readonly log: Pick<LogOptions, "level" | "format">;
}

export interface IdentityConfig extends Common {
  readonly program: "identity";
  readonly realm: Realm;
  readonly lifetime: Lifetime;
  readonly issuer: IssuerPaths;
  /** Who knows callers' tokens. Only with `files` is an issuer generated: replicas in a cluster must share one. */
  readonly tokens:
    | { readonly kind: "files"; readonly keys: string }
    | { readonly kind: "kube"; readonly server: ApiServer };
}

export interface DestinationConfig extends Common {
  readonly program: "destination";
  readonly policyAddress: ListenAddress;
  readonly settings: Settings;
  /** Where the world is read from. */
  readonly source:
    | { readonly kind: "files"; readonly manifests: string }
    | { readonly kind: "kube"; readonly server: ApiServer };
}

export interface InjectorConfig extends Common {
  readonly program: "proxy-injector";
  readonly namespace: string;
  readonly server: ApiServer;
  /** Folder of the ConfigMap `linkerd-config`. */
  readonly configFolder: string;
  /** File of trust anchors. */
  readonly anchors: string;
  /** Folder of certificate and key. */
  readonly certificate: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** A command line (without the program's own name) and environment to Config; throws `config.invalid` with all mistakes. */
export function parseConfig(argv: readonly string[], env: Env): Config {
  const [program, ...rest] = argv;
  if (argv.some((word) => /^--?h(elp)?$/.test(word))) {
    return { program: "help", text: formatHelp() };
  }
  switch (program) {
    case "identity":
      return parseIdentity(rest, env);
    case "destination":
      return parseDestination(rest, env);
    case "proxy-injector":
      return parseInjector(rest, env);
    default:
      throw new Problem(
        "config.invalid",
        `Cannot start "${
          program ?? ""
        }": expected identity, destination or proxy-injector`,
        { hint: "--help lists programs and flags" },
      );
  }
}

function parseIdentity(argv: readonly string[], env: Env): IdentityConfig {
  const flags = readFlags(argv, IDENTITY_FLAGS);
  const scheme = flags.read(
    "identity-scheme",
    oneOf(["linkerd.io/tls", "kubernetes.io/tls"]),
  );
  const source = flags.read("source", oneOf(SOURCES));
  const config: IdentityConfig = {
    program: "identity",
    address: flags.read("addr", parseListenAddress),
    ...parseCommon(flags),
    realm: {
      controlNamespace: flags.read("controller-namespace", parseLabel),
      trustDomain: flags.read("identity-trust-domain", parseDomain),
    },
    lifetime: {
      lifetimeMs: flags.read("identity-issuance-lifetime", parseLifetime),
      skewMs: flags.read("identity-clock-skew-allowance", parseGoDuration),
    },
    issuer: issuerPaths(
      flags.text("identity-issuer"),
      scheme,
      flags.text("identity-trust-anchors"),
    ),
    tokens: source === "files"
      ? { kind: "files", keys: flags.text("token-keys") }
      : { kind: "kube", server: parseApiServer(flags, env) },
  };
  if (source === "kube" && flags.text("token-keys", false) !== "") {
    flags.fail("--token-keys: not used with --source kube");
  }
  refuseLaxTls(flags, env);
  return finish(config, flags);
}

function parseDestination(
  argv: readonly string[],
  env: Env,
): DestinationConfig {
  const flags = readFlags(argv, DESTINATION_FLAGS);
  const source = flags.read("source", oneOf(SOURCES));
  for (const [name, value] of FIXED) {
    if (flags.text(name) !== value) {
      flags.fail(`--${name}: this version has only ${value}`);
    }
  }
  const config: DestinationConfig = {
    program: "destination",
    address: flags.read("addr", parseListenAddress),
    policyAddress: flags.read("policy-addr", parseListenAddress),
    ...parseCommon(flags),
    settings: createSettings({
      controlNamespace: flags.read("controller-namespace", parseLabel),
      trustDomain: flags.read("identity-trust-domain", parseDomain),
      clusterDomain: flags.read("cluster-domain", parseDomain),
      clusterNetworks: flags.read("cluster-networks", parseNetworks),
      probeNetworks: flags.read("probe-networks", parseNetworks),
      defaultInboundPolicy: flags.read("default-policy", oneOf(INBOUND_MODES)),
      defaultOpaquePorts: flags.read("default-opaque-ports", parsePortRanges),
      ipv6: flags.read("enable-ipv6", parseBoolean),
    }),
    source: source === "files"
      ? { kind: "files", manifests: flags.text("manifests") }
      : { kind: "kube", server: parseApiServer(flags, env) },
  };
  if (source === "kube" && flags.text("manifests", false) !== "") {
    flags.fail("--manifests: not used with --source kube");
  }
  refuseLaxTls(flags, env);
  return finish(config, flags);
}

function parseInjector(argv: readonly string[], env: Env): InjectorConfig {
  const flags = readFlags(argv, INJECTOR_FLAGS);
  const config: InjectorConfig = {
    program: "proxy-injector",
    address: flags.read("addr", parseListenAddress),
    ...parseCommon(flags),
    namespace: flags.read("controller-namespace", parseLabel),
    server: parseApiServer(flags, env),
    configFolder: flags.text("config"),
    anchors: flags.text("identity-trust-anchors"),
    certificate: flags.text("tls"),
  };
  refuseLaxTls(flags, env);
  return finish(config, flags);
}

function parseNetworks(text: string): Network[] {
  return text.split(",").map(parseNetwork);
}

/** Flags of Linkerd's whose other values are not built yet. */
const FIXED = [
  ["outbound-transport-mode", "transport-header"],
  ["enable-h2-upgrade", "true"],
] as const;

const SOURCES = ["kube", "files"] as const;

/** Flags that both programs have; a reader of either knows them. */
function parseCommon(
  flags: FlagReader<"admin-addr" | "log-level" | "log-format">,
): Omit<Common, "address"> {
  return {
    adminAddress: flags.read("admin-addr", parseListenAddress),
    log: {
      level: flags.read("log-level", oneOf(LEVELS)),
      format: flags.read("log-format", oneOf(["plain", "json"] as const)),
    },
  };
}

function finish<T extends Config>(
  config: T,
  flags: Pick<FlagReader<never>, "mistakes">,
): T {
  const { mistakes } = flags;
  if (mistakes.length === 0) return config;
  throw new Problem(
    "config.invalid",
    `Cannot start, ${mistakes.length} ${
      mistakes.length === 1 ? "mistake" : "mistakes"
    }:\n${mistakes.map((mistake) => `  ${mistake}`).join("\n")}`,
    { hint: "--help lists programs and flags" },
  );
}

function parseApiServer(
  flags: FlagReader<never>,
  env: Env,
): ApiServer {
  try {
    return findApiServer(env);
  } catch (error) {
    flags.fail(describe(error));
    return findApiServer(PLACEHOLDER_CLUSTER);
  }
}

/** Stands in a Config that is thrown away for its mistakes. */
const PLACEHOLDER_CLUSTER = {
  KUBERNETES_SERVICE_HOST: "invalid",
  KUBERNETES_SERVICE_PORT: "443",
};

function refuseLaxTls(flags: FlagReader<never>, env: Env): void {
  if (env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0") {
    flags.fail(
      "NODE_TLS_REJECT_UNAUTHORIZED=0: it would make TLS clients believe anyone; unset it",
    );
  }
}

function formatHelp(): string {
  return [
    "The control plane's programs\n",
    `identity: issues certificates to proxies\n${formatFlags(IDENTITY_FLAGS)}`,
    `destination: tells proxies where to go and whom to let in\n${
      formatFlags(DESTINATION_FLAGS)
    }`,
    `proxy-injector: the webhook that gives pods their proxies\n${
      formatFlags(INJECTOR_FLAGS)
    }`,
  ].join("\n");
}
