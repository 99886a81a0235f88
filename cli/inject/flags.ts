import { INJECTION_DEFAULTS } from "../../schemas/values/proxy-defaults.ts";
import type { Flag } from "../command.ts";
import { PROXY_FLAGS } from "../values/proxy-flags.ts";

/** A flag that becomes an annotation. */
interface ConfigFlag extends Flag {
  readonly annotation: string;
}

const CONFIG = "config.linkerd.io/";

/** Flags that `inject` alone has: an install says these things by values. */
const OWN_FLAGS: readonly ConfigFlag[] = [
  {
    name: "opaque-ports",
    kind: "text",
    about: "Ports and ranges whose bytes are passed on unread",
    otherwise: INJECTION_DEFAULTS.proxy.opaquePorts,
    annotation: `${CONFIG}opaque-ports`,
  },
  {
    name: "require-identity-on-inbound-ports",
    kind: "text",
    about: "Ports that only meshed clients may reach",
    annotation: `${CONFIG}proxy-require-identity-inbound-ports`,
  },
  {
    name: "wait-before-exit-seconds",
    kind: "text",
    about: "Seconds the proxy goes on after it was told to end",
    annotation: "config.alpha.linkerd.io/proxy-wait-before-exit-seconds",
  },
  {
    name: "close-wait-timeout",
    kind: "text",
    about: "How long the kernel keeps half-closed connections, such as 30s",
    annotation: `${CONFIG}close-wait-timeout`,
  },
  {
    name: "native-sidecar",
    kind: "switch",
    about: "Run the proxy as a native sidecar",
    annotation: `${CONFIG}proxy-enable-native-sidecar`,
  },
  {
    name: "enable-debug-sidecar",
    kind: "switch",
    about: "Add a container with network tools",
    annotation: `${CONFIG}enable-debug-sidecar`,
  },
];

/** Flags that configure a proxy, with the annotation each becomes. */
export const CONFIG_FLAGS: readonly ConfigFlag[] = [
  ...PROXY_FLAGS.flatMap(({ annotation, ...flag }) =>
    annotation === undefined ? [] : [{ ...flag, annotation }]
  ),
  ...OWN_FLAGS,
];

/** Flags of `inject`, in the order of help. */
export const INJECT_FLAGS: readonly Flag[] = [
  {
    name: "manual",
    kind: "switch",
    about:
      "Write the proxy into the manifest instead of asking the cluster to inject it",
  },
  {
    name: "ignore-cluster",
    kind: "switch",
    about: "Use built-in defaults instead of the cluster's configuration",
  },
  { name: "ingress", kind: "switch", about: "Run the proxy in ingress mode" },
  {
    name: "output",
    short: "o",
    kind: "text",
    about: "Print yaml or json",
    otherwise: "yaml",
  },
  ...PROXY_FLAGS,
  ...OWN_FLAGS,
  { name: "disable-identity", kind: "switch", about: "", hidden: true },
];
