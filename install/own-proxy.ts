import { PORTS } from "../schemas/names.ts";
import type { ResourceValues } from "../schemas/values/proxy.ts";
import type { Values } from "../schemas/values.ts";
import type { Install } from "./context.ts";
import { firstContainer } from "./inject/init-container.ts";
import { proxyContainer } from "./inject/proxy-container.ts";
import { proxyVolumes, xtablesLockVolume } from "./inject/volumes.ts";
import { fillResources } from "./workload.ts";

/** What the proxy of a control-plane pod stands before. */
export interface ControlProxy {
  readonly serves: "identity" | "destination" | "proxy-injector" | "metrics";
  /** Ports of the pod's controllers. */
  readonly ports: readonly number[];
  /** Instead of those that every proxy has. */
  readonly resources: Values["destinationProxyResources"];
  /** Ports forwarded without parsing, instead of the usual ones. */
  readonly opaquePorts?: string;
}

/** What the proxy adds to a pod, and the order in which its containers start. */
export interface ProxiedPod {
  readonly initContainers: readonly unknown[];
  readonly containers: readonly unknown[];
  readonly volumes: readonly unknown[];
}

/** A little more than webhooks take; a native sidecar ends after them without being told. */
const DRAIN_SECONDS = 12;

/** A control-plane pod with our own proxy, written out and not injected: it must run before the injector does. */
export function ownProxy(
  { values, namespace }: Install,
  proxy: ControlProxy,
  controllers: readonly unknown[],
): ProxiedPod {
  const settings = settingsOf(values, proxy);
  const sidecar = proxyContainer({
    values: settings,
    namespace,
    inboundPorts: proxy.ports.map(String).sort().join(","),
    component: proxy.serves,
    isTapped: true,
  }, { capabilities: { drop: ["ALL"] } });
  const first = firstContainer(settings);
  const isNative = settings.proxy.nativeSidecar;
  return {
    initContainers: isNative ? [first, sidecar] : [first],
    containers: isNative
      ? controllers
      : proxy.serves === "identity"
      ? [...controllers, sidecar]
      : [sidecar, ...controllers],
    volumes: [
      ...(values.cniEnabled ? [] : [xtablesLockVolume(values)]),
      ...proxyVolumes(settings, ["annotations", "labels"]),
    ],
  };
}

/** Values as they hold for the control plane's own proxies. */
function settingsOf(
  values: Values,
  { serves, resources, opaquePorts }: ControlProxy,
): Values {
  const isIdentity = serves === "identity";
  const isAskedToTheLast = serves === "destination" ||
    serves === "proxy-injector";
  return {
    ...values,
    proxy: {
      ...values.proxy,
      // Before policy is known, and for kubelet and API server, which have no identity.
      defaultInboundPolicy: "all-unauthenticated",
      // A webhook answers for some seconds after it was told to end (control/serve/drain.ts), through its proxy.
      waitBeforeExitSeconds: isAskedToTheLast ? DRAIN_SECONDS : 0,
      ...(opaquePorts === undefined ? {} : { opaquePorts }),
      ...(resources === undefined ? {} : proxyResources(resources)),
      // Its proxy gets its certificate from the identity beside it, so neither may wait for the other.
      ...(isIdentity
        ? {
          nativeSidecar: false,
          await: false,
          requireTLSOnInboundPorts: String(PORTS.identity),
        }
        : {}),
    },
    proxyInit: {
      ...values.proxyInit,
      // Controllers watch the API server past the proxy: it answers for itself, and must be reachable before the mesh.
      ignoreOutboundPorts: values.proxyInit.kubeAPIServerPorts,
    },
  };
}

function proxyResources(
  { cores, ...resources }: NonNullable<ControlProxy["resources"]>,
): { readonly resources: ResourceValues; readonly cores?: number } {
  return {
    resources: fillResources(resources),
    ...(cores === undefined ? {} : { cores }),
  };
}
