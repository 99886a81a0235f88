import { ANNOTATIONS, INBOUND_POLICIES } from "../../schemas/names.ts";
import {
  type Annotation,
  annotation,
  type Deep,
  type Draft,
} from "./annotation.ts";
import type { EnvVar } from "./environment/variable.ts";
import {
  bool,
  duration,
  enabled,
  envList,
  imageName,
  imageTag,
  logFilter,
  oneOf,
  port,
  ratio,
  seconds,
  subnets,
  userId,
} from "./forms.ts";
import { opaquePorts, ports, resolvePorts } from "./port-list.ts";
import { coresOf, quantity } from "./quantity.ts";

const ALPHA = "config.alpha.linkerd.io/";
const BETA = "config.beta.linkerd.io/";

const NOT_INHERITED = false;
const pullPolicy = oneOf(["Always", "IfNotPresent", "Never"]);

/** Every annotation that configures a proxy (Linkerd 2.x), in the order they take effect: later ones win. */
export const SETTINGS: readonly Annotation[] = [
  annotation(
    ANNOTATIONS.inject,
    oneOf(["enabled", "disabled", "ingress", ""]),
    ({ values }, word) => {
      values.proxy.isIngress = word === "ingress";
    },
  ),
  annotation("proxy-image", imageName, ({ values }, name) => {
    values.proxy.image.name = name;
  }),
  annotation("proxy-version", imageTag, ({ values }, tag) => {
    values.proxy.image.version = tag;
  }),
  annotation("image-pull-policy", pullPolicy, ({ values }, policy) => {
    values.imagePullPolicy = policy;
    values.proxy.image.pullPolicy = policy;
    values.debugContainer.image.pullPolicy = policy;
  }),
  annotation("debug-image", imageName, ({ values }, name) => {
    values.debugContainer.image.name = name;
  }, NOT_INHERITED),
  annotation("debug-image-version", imageTag, ({ values }, tag) => {
    values.debugContainer.image.version = tag;
  }, NOT_INHERITED),
  annotation("debug-image-pull-policy", pullPolicy, ({ values }, policy) => {
    values.debugContainer.image.pullPolicy = policy;
  }, NOT_INHERITED),
  annotation("enable-debug-sidecar", bool, (draft, on) => {
    draft.debug = on;
  }),
  annotation("control-port", port, ({ values }, number) => {
    values.proxy.ports.control = number;
  }),
  annotation("admin-port", port, ({ values }, number) => {
    values.proxy.ports.admin = number;
  }),
  annotation("inbound-port", port, ({ values }, number) => {
    values.proxy.ports.inbound = number;
  }),
  annotation("outbound-port", port, ({ values }, number) => {
    values.proxy.ports.outbound = number;
  }),
  annotation("pod-inbound-ports", ports, ({ values }, list) => {
    values.proxy.podInboundPorts = list;
  }),
  annotation("skip-inbound-ports", ports, ({ values }, list) => {
    values.proxyInit.ignoreInboundPorts = list;
  }),
  annotation("skip-outbound-ports", ports, ({ values }, list) => {
    values.proxyInit.ignoreOutboundPorts = list;
  }),
  annotation("skip-subnets", subnets, ({ values }, list) => {
    values.proxyInit.skipSubnets = list;
  }),
  annotation("opaque-ports", opaquePorts, ({ values, pod }, text) => {
    values.proxy.opaquePorts = resolvePorts(text, pod);
  }),
  annotation("proxy-cpu-request", quantity, ({ values }, amount) => {
    values.proxy.resources.cpu.request = amount;
    values.proxy.runtime.workers.minimum = coresOf(amount);
  }),
  annotation("proxy-cpu-limit", quantity, ({ values }, amount) => {
    values.proxy.resources.cpu.limit = amount;
    values.proxy.runtime.workers.maximum = coresOf(amount);
  }),
  annotation("proxy-cpu-ratio-limit", ratio, ({ values }, share) => {
    values.proxy.runtime.workers.maximumCPURatio = share;
  }, NOT_INHERITED),
  annotation("proxy-memory-request", quantity, ({ values }, amount) => {
    values.proxy.resources.memory.request = amount;
  }),
  annotation("proxy-memory-limit", quantity, ({ values }, amount) => {
    values.proxy.resources.memory.limit = amount;
  }),
  annotation(
    "proxy-ephemeral-storage-request",
    quantity,
    ({ values }, amount) => {
      values.proxy.resources["ephemeral-storage"].request = amount;
    },
  ),
  annotation(
    "proxy-ephemeral-storage-limit",
    quantity,
    ({ values }, amount) => {
      values.proxy.resources["ephemeral-storage"].limit = amount;
    },
  ),
  annotation("proxy-uid", userId, ({ values }, id) => {
    values.proxy.uid = id;
  }),
  annotation("proxy-gid", userId, ({ values }, id) => {
    values.proxy.gid = id;
  }),
  annotation("proxy-log-level", logFilter, ({ values }, filter) => {
    values.proxy.logLevel = filter;
  }),
  annotation(
    "proxy-log-format",
    oneOf(["plain", "json"]),
    ({ values }, format) => {
      values.proxy.logFormat = format;
    },
  ),
  annotation(
    "proxy-log-http-headers",
    oneOf(["off", "insecure", ""]),
    ({ values }, word) => {
      values.proxy.logHTTPHeaders = word;
    },
  ),
  annotation(
    "access-log",
    oneOf(["apache", "json", ""]),
    ({ values }, format) => {
      values.proxy.accessLog = format;
    },
  ),
  annotation("proxy-admin-shutdown", enabled, ({ values }, on) => {
    values.proxy.enableShutdownEndpoint = on;
  }),
  annotation("enable-external-profiles", bool, ({ values }, on) => {
    values.proxy.enableExternalProfiles = on;
  }),
  annotation("enable-gateway", bool, ({ values }, on) => {
    values.proxy.isGateway = on;
  }, NOT_INHERITED),
  annotation(
    "proxy-require-identity-inbound-ports",
    ports,
    ({ values }, list) => {
      values.proxy.requireIdentityOnInboundPorts = list;
    },
  ),
  annotation(
    "default-inbound-policy",
    oneOf(INBOUND_POLICIES),
    ({ values }, policy) => {
      values.proxy.defaultInboundPolicy = policy;
    },
  ),
  annotation("proxy-metrics-hostname-labels", bool, ({ values }, on) => {
    values.proxy.metrics.hostnameLabels = on;
  }),
  annotation("proxy-outbound-connect-timeout", duration, ({ values }, ms) => {
    values.proxy.outboundConnectTimeout = milliseconds(ms);
  }),
  annotation("proxy-inbound-connect-timeout", duration, ({ values }, ms) => {
    values.proxy.inboundConnectTimeout = milliseconds(ms);
  }),
  annotation(
    "proxy-outbound-discovery-cache-unused-timeout",
    duration,
    ({ values }, ms) => {
      values.proxy.outboundDiscoveryCacheUnusedTimeout = wholeSeconds(ms);
    },
  ),
  annotation(
    "proxy-inbound-discovery-cache-unused-timeout",
    duration,
    ({ values }, ms) => {
      values.proxy.inboundDiscoveryCacheUnusedTimeout = wholeSeconds(ms);
    },
  ),
  annotation(
    "proxy-disable-outbound-protocol-detect-timeout",
    bool,
    ({ values }, on) => {
      values.proxy.disableOutboundProtocolDetectTimeout = on;
    },
  ),
  annotation(
    "proxy-disable-inbound-protocol-detect-timeout",
    bool,
    ({ values }, on) => {
      values.proxy.disableInboundProtocolDetectTimeout = on;
    },
  ),
  annotation("shutdown-grace-period", duration, ({ values }, ms) => {
    values.proxy.shutdownGracePeriod = milliseconds(ms);
  }),
  annotation("proxy-await", enabled, ({ values }, on) => {
    values.proxy.await = on;
  }),
  // Alpha, then beta, then the stable name: the last one written wins.
  annotation(`${ALPHA}proxy-enable-native-sidecar`, bool, setNative),
  annotation(
    `${BETA}proxy-enable-native-sidecar`,
    bool,
    setNative,
    NOT_INHERITED,
  ),
  annotation("proxy-enable-native-sidecar", bool, setNative),
  annotation(
    `${ALPHA}proxy-wait-before-exit-seconds`,
    seconds,
    ({ values }, number) => {
      values.proxy.waitBeforeExitSeconds = number;
    },
  ),
  annotation("close-wait-timeout", duration, ({ values }, ms) => {
    values.proxyInit.closeWaitTimeoutSecs = Math.floor(ms / 1_000);
  }, NOT_INHERITED),
  annotation("proxy-additional-env", envList, ({ values }, list) => {
    values.proxy.additionalEnv = mergeEnv(
      values.proxy.additionalEnv ?? [],
      list,
    ) as Deep<EnvVar[]>;
  }),
];

function setNative({ values }: Draft, on: boolean): void {
  values.proxy.nativeSidecar = on;
}

function mergeEnv(
  base: readonly EnvVar[],
  over: readonly EnvVar[],
): EnvVar[] {
  const byName = new Map(base.map((one) => [one.name, one]));
  for (const one of over) byName.set(one.name, one);
  return [...byName.values()];
}

function milliseconds(ms: number): string {
  return `${Math.floor(ms)}ms`;
}

function wholeSeconds(ms: number): string {
  return `${Math.floor(ms / 1_000)}s`;
}
