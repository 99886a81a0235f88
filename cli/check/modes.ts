import type { Category } from "./check.ts";
import { LINKERD_CNI } from "./checks/cni.ts";
import { LINKERD_CONFIG } from "./checks/config.ts";
import { LINKERD_CRD } from "./checks/crds.ts";
import { LINKERD_EXISTENCE } from "./checks/existence.ts";
import { EXTENSION_NAMESPACES } from "./checks/extension-namespaces.ts";
import { GATEWAY_API, GATEWAY_API_BEFORE } from "./checks/gateway-api.ts";
import { HIGH_AVAILABILITY } from "./checks/high-availability.ts";
import { LINKERD_IDENTITY } from "./checks/identity.ts";
import { KUBERNETES_API, KUBERNETES_VERSION } from "./checks/kubernetes.ts";
import { PRE_INSTALL } from "./checks/pre-install.ts";
import { CONTROL_PLANE_PROXY } from "./checks/control-plane-proxy.ts";
import { DATA_PLANE, DATA_PLANE_IDENTITY } from "./checks/data-plane.ts";
import { UNMESHED } from "./checks/unmeshed.ts";
import { VIZ_DATA_PLANE } from "./checks/viz-data-plane.ts";
import { LINKERD_VIZ } from "./checks/viz.ts";
import { CONTROL_PLANE_VERSION, LINKERD_VERSION } from "./checks/versions.ts";
import { LINKERD_WEBHOOKS } from "./checks/webhooks.ts";
import { whereThere } from "./metrics.ts";

/**
 * What is looked at: a cluster before an install, the kinds of one, a control plane, or a control plane and all pods; of
 * metrics only, or of metrics and all pods that have any.
 */
export type Mode = "pre" | "crds" | "default" | "proxy" | "viz" | "viz-proxy";

const KUBERNETES = [KUBERNETES_API, KUBERNETES_VERSION] as const;

const INSTALLED = [
  ...KUBERNETES,
  GATEWAY_API,
  LINKERD_EXISTENCE,
  LINKERD_CONFIG,
  LINKERD_CNI,
  LINKERD_IDENTITY,
  LINKERD_WEBHOOKS,
] as const;

/** Categories of each mode, in the order they are run and printed. */
export const MODES: Readonly<Record<Mode, readonly Category[]>> = {
  viz: [LINKERD_VIZ],
  "viz-proxy": [LINKERD_VIZ, VIZ_DATA_PLANE],
  pre: [
    ...KUBERNETES,
    GATEWAY_API_BEFORE,
    PRE_INSTALL,
    LINKERD_CNI,
    LINKERD_VERSION,
  ],
  crds: [...KUBERNETES, GATEWAY_API, LINKERD_CRD, LINKERD_VERSION],
  default: [
    ...INSTALLED,
    LINKERD_VERSION,
    CONTROL_PLANE_VERSION,
    CONTROL_PLANE_PROXY,
    HIGH_AVAILABILITY,
    UNMESHED,
    EXTENSION_NAMESPACES,
    whereThere(LINKERD_VIZ),
  ],
  proxy: [
    ...INSTALLED,
    DATA_PLANE_IDENTITY,
    LINKERD_VERSION,
    CONTROL_PLANE_PROXY,
    DATA_PLANE,
    HIGH_AVAILABILITY,
    UNMESHED,
    whereThere(LINKERD_VIZ),
    whereThere(VIZ_DATA_PLANE),
  ],
};
