import type { InjectionValues } from "../../schemas/values/proxy.ts";
import {
  proxyImage,
  resourcesOf,
  type Surroundings,
} from "./proxy-container.ts";
import type { Fields } from "./workload.ts";
import { isFields } from "./workload.ts";

/** Linkerd's names inside the image; ours provides the same paths. */
const INIT_COMMAND = "/usr/lib/linkerd/linkerd2-proxy-init";
const VALIDATOR_COMMAND = "/usr/lib/linkerd/linkerd2-network-validator";

/** The first container of a pod: redirects its traffic, or under a CNI plugin makes sure that it is redirected. */
export function firstContainer(
  values: InjectionValues,
  surroundings: Surroundings = {},
): Fields {
  return values.cniEnabled
    ? networkValidator(values)
    : initContainer(values, surroundings);
}

/** The container `linkerd-init`, as Linkerd writes it. */
export function initContainer(
  values: InjectionValues,
  { capabilities, serviceAccountMount }: Surroundings = {},
): Fields {
  const { proxyInit, proxy } = values;
  const mighty = proxyInit.privileged || proxyInit.closeWaitTimeoutSecs > 0;
  const lock = proxyInit.xtMountPath;
  return {
    name: "linkerd-init",
    image: proxyImage(values),
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    command: [INIT_COMMAND],
    args: initArguments(values),
    ...resourcesOf(proxy.resources),
    securityContext: {
      allowPrivilegeEscalation: mighty,
      capabilities: initCapabilities(capabilities),
      privileged: mighty,
      readOnlyRootFilesystem: true,
      runAsGroup: proxyInit.runAsRoot ? 0 : proxyInit.runAsGroup,
      runAsNonRoot: !proxyInit.runAsRoot,
      runAsUser: proxyInit.runAsRoot ? 0 : proxyInit.runAsUser,
      seccompProfile: { type: "RuntimeDefault" },
    },
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [
      { mountPath: lock.mountPath, name: lock.name },
      ...(serviceAccountMount === undefined ? [] : [serviceAccountMount]),
    ],
  };
}

function initArguments({ proxy, proxyInit, disableIPv6 }: InjectionValues) {
  const { ports } = proxy;
  const inbound = [ports.control, ports.admin, proxyInit.ignoreInboundPorts];
  const flags: [string, string | number | undefined][] = [
    ["--incoming-proxy-port", ports.inbound],
    ["--outgoing-proxy-port", ports.outbound],
    ["--proxy-uid", proxy.uid],
    ["--proxy-gid", proxy.gid >= 0 ? proxy.gid : undefined],
    [
      "--inbound-ports-to-ignore",
      inbound.filter((item) => item !== "").join(","),
    ],
    ["--outbound-ports-to-ignore", proxyInit.ignoreOutboundPorts],
    ["--timeout-close-wait-secs", proxyInit.closeWaitTimeoutSecs || undefined],
    ["--log-format", proxyInit.logFormat],
    ["--log-level", proxyInit.logLevel],
    ["--subnets-to-ignore", proxyInit.skipSubnets],
  ];
  return [
    ...(proxyInit.iptablesMode === "nft"
      ? [
        "--firewall-bin-path",
        "iptables-nft",
        "--firewall-save-bin-path",
        "iptables-nft-save",
      ]
      : []),
    ...(disableIPv6 ? ["--ipv6=false"] : []),
    ...flags.flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [name, String(value)]
    ),
  ];
}

/** What iptables needs, and what the pod's first container has, except that the two cannot be dropped. */
const NEEDED = ["NET_ADMIN", "NET_RAW"];

function initCapabilities(copied: Fields | undefined): Fields {
  const listed = (name: string) => {
    const list = copied?.[name];
    return Array.isArray(list)
      ? list.filter((one) => !NEEDED.includes(one))
      : [];
  };
  const drop = listed("drop");
  return {
    add: [...NEEDED, ...listed("add")],
    ...(drop.length > 0 ? { drop } : {}),
  };
}

/** The container `linkerd-network-validator`: fails a pod that a CNI plugin has not redirected. */
export function networkValidator(values: InjectionValues): Fields {
  const { networkValidator: options, proxy, proxyInit, disableIPv6 } = values;
  const outbound = proxy.ports.outbound;
  const connect = disableIPv6 ? "1.1.1.1:20001" : "[fd00::1]:20001";
  const listen = `${disableIPv6 ? "0.0.0.0" : "[::]"}:${outbound}`;
  return {
    name: "linkerd-network-validator",
    image: proxyImage(values),
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    command: [VALIDATOR_COMMAND],
    args: [
      "--log-format",
      options.logFormat,
      "--log-level",
      options.logLevel,
      "--connect-addr",
      options.connectAddr || connect,
      "--listen-addr",
      options.listenAddr || listen,
      "--timeout",
      options.timeout,
    ],
    ...resourcesOf(proxy.resources),
    ...(options.enableSecurityContext
      ? {
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
          readOnlyRootFilesystem: true,
          runAsGroup: proxyInit.runAsGroup,
          runAsNonRoot: true,
          runAsUser: proxyInit.runAsUser,
          seccompProfile: { type: "RuntimeDefault" },
        },
      }
      : {}),
  };
}

/** The container `linkerd-debug`: network tools beside the proxy. */
export function debugContainer(values: InjectionValues): Fields {
  const { image } = values.debugContainer;
  const probe = { exec: { command: ["true"] } };
  return {
    name: "linkerd-debug",
    image: `${image.name}:${image.version || values.linkerdVersion}`,
    imagePullPolicy: image.pullPolicy || values.imagePullPolicy,
    livenessProbe: probe,
    readinessProbe: probe,
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}

/** Capabilities and service-account mount of a pod's first container. */
export function surroundingsOf(
  first: Fields | undefined,
  serviceAccountMount: Fields | undefined,
): Surroundings {
  const context = first?.["securityContext"];
  const capabilities = isFields(context) ? context["capabilities"] : undefined;
  return {
    ...(isFields(capabilities) ? { capabilities } : {}),
    ...(serviceAccountMount === undefined ? {} : { serviceAccountMount }),
  };
}
