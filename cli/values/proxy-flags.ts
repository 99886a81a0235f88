import { INBOUND_POLICIES } from "../../schemas/names.ts";
import { mergeValues } from "../../schemas/values/merge.ts";
import {
  DEFAULT_REGISTRY,
  IMAGES,
  INJECTION_DEFAULTS,
} from "../../schemas/values/proxy-defaults.ts";
import type { Overrides } from "../../schemas/values.ts";
import type { Flag } from "../command.ts";
import { Problem } from "../../schemas/problem.ts";
import {
  amount,
  at,
  cores,
  integer,
  logLevel,
  oneOf,
  portList,
  text,
  type ValueFlag,
  valueFlag,
  version,
} from "./flag-readers.ts";

const { proxy } = INJECTION_DEFAULTS;

/** A flag about proxies: for an install it stands for a value, for a workload for an annotation. */
export interface ProxyFlag extends ValueFlag {
  /** What `inject` writes; none where it is not one annotation. */
  readonly annotation?: string;
}

const CONFIG = "config.linkerd.io/";

/** Flags about proxies, which install, upgrade and inject share. */
export const PROXY_FLAGS: readonly ProxyFlag[] = [
  annotated(valueFlag("proxy-image", "proxy.image.name", text, {
    about: "Image of the proxy, without a tag",
    otherwise: proxy.image.name,
    hidden: true,
  })),
  annotated(valueFlag("proxy-version", "proxy.image.version", version, {
    short: "v",
    about: "Tag of the proxy's image",
    hidden: true,
  })),
  annotated({
    name: "image-pull-policy",
    kind: "text",
    about: "When images are pulled: Always, IfNotPresent or Never",
    otherwise: INJECTION_DEFAULTS.imagePullPolicy,
    override: ([policy = ""]) => {
      const read = oneOf(["Always", "IfNotPresent", "Never"]);
      const value = read(policy, "image-pull-policy");
      return {
        imagePullPolicy: value,
        ...at("proxy.image.pullPolicy", value),
        ...at("debugContainer.image.pullPolicy", value),
      };
    },
  }),
  portFlag("inbound", "Port the proxy takes inbound connections on"),
  portFlag("outbound", "Port the proxy takes outbound connections on"),
  portFlag("control", "Port of the proxy's tap server"),
  portFlag("admin", "Port of the proxy's probes and metrics"),
  skipFlag("inbound", "ignoreInboundPorts"),
  skipFlag("outbound", "ignoreOutboundPorts"),
  annotated(valueFlag("proxy-uid", "proxy.uid", integer, {
    about: "User the proxy runs as",
    otherwise: String(proxy.uid),
  })),
  annotated(valueFlag("proxy-gid", "proxy.gid", integer, {
    about: "Group the proxy runs as; none when negative",
    otherwise: String(proxy.gid),
  })),
  annotated(valueFlag("proxy-log-level", "proxy.logLevel", logLevel, {
    about: "Log filter of the proxy",
    otherwise: proxy.logLevel,
  })),
  ...resourceFlags("cpu"),
  ...resourceFlags("memory"),
  {
    name: "proxy-cpu",
    kind: "text",
    about: "CPU a proxy asks for",
    replacedBy: "proxy-cpu-request",
    override: () => ({}),
  },
  {
    name: "proxy-memory",
    kind: "text",
    about: "Memory a proxy asks for",
    replacedBy: "proxy-memory-request",
    override: () => ({}),
  },
  annotated({
    name: "enable-external-profiles",
    kind: "switch",
    about: "Look up service profiles of names outside the cluster too",
    override: ([on]) => at("proxy.enableExternalProfiles", on === "true"),
  }),
  annotated({
    name: "default-inbound-policy",
    kind: "text",
    about: "Who may call a port that no policy is about",
    otherwise: proxy.defaultInboundPolicy,
    override: ([policy = ""]) => at("proxy.defaultInboundPolicy", mode(policy)),
  }),
  {
    name: "registry",
    kind: "text",
    about: "Registry and folder that all images are in",
    otherwise: DEFAULT_REGISTRY,
    override: ([registry = ""]) => registryOverride(registry),
  },
];

/** A flag that has the name of its annotation, as most do. */
function annotated(flag: ValueFlag): ProxyFlag {
  return { ...flag, annotation: CONFIG + flag.name };
}

/** Images by their own names in another registry. */
export function registryOverride(registry: string): Overrides {
  return {
    controllerImage: moveImage(IMAGES.controller, registry),
    ...at("debugContainer.image.name", moveImage(IMAGES.debug, registry)),
    ...at("proxy.image.name", moveImage(IMAGES.proxy, registry)),
  };
}

/** An image's name in another registry: only what follows its last slash stays. */
export function moveImage(image: string, registry: string): string {
  return `${registry.replace(/\/+$/, "")}/${
    image.slice(image.lastIndexOf("/") + 1)
  }`;
}

function portFlag(
  name: "inbound" | "outbound" | "control" | "admin",
  about: string,
): ProxyFlag {
  return annotated(valueFlag(`${name}-port`, `proxy.ports.${name}`, integer, {
    about,
    otherwise: String(proxy.ports[name]),
  }));
}

function skipFlag(direction: "inbound" | "outbound", key: string): ProxyFlag {
  return annotated({
    name: `skip-${direction}-ports`,
    kind: "list",
    about: `Ports and ranges whose ${direction} traffic passes by the proxy`,
    override: (items) => at(`proxyInit.${key}`, portList(items)),
  });
}

function resourceFlags(resource: "cpu" | "memory"): ProxyFlag[] {
  const threads = { request: "minimum", limit: "maximum" } as const;
  return (["request", "limit"] as const).map((side) => {
    const flag: Flag = {
      name: `proxy-${resource}-${side}`,
      kind: "text",
      about: side === "request"
        ? `How much ${resource} a proxy asks for`
        : `How much ${resource} a proxy gets at most`,
    };
    return annotated({
      ...flag,
      override: ([asked = ""]) => {
        const value = amount(asked, flag.name);
        const own = at(`proxy.resources.${resource}.${side}`, value);
        const count = resource === "cpu" ? cores(asked) : undefined;
        return count === undefined ? own : mergeValues(
          own,
          at(`proxy.runtime.workers.${threads[side]}`, count),
        );
      },
    });
  });
}

function mode(policy: string): string {
  if (INBOUND_POLICIES.some((one) => one === policy)) return policy;
  const words = [
    "all-authenticated",
    "all-unauthenticated",
    "cluster-authenticated",
    "cluster-unauthenticated",
    "deny",
    "audit",
  ];
  throw new Problem(
    "config.invalid",
    `--default-inbound-policy must be one of: ${
      words.join(", ")
    } (got ${policy})`,
  );
}
