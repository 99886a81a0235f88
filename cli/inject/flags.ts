import type { Flag } from "../command.ts";

/** A flag that becomes an annotation. */
interface ConfigFlag extends Flag {
  readonly annotation: string;
}

const CONFIG = "config.linkerd.io/";

function config(
  name: string,
  about: string,
  options: {
    readonly kind?: Flag["kind"];
    readonly annotation?: string;
    readonly otherwise?: string;
  } = {},
): ConfigFlag {
  const { kind = "text", annotation = CONFIG + name, otherwise } = options;
  return {
    name,
    kind,
    about,
    annotation,
    ...(otherwise === undefined ? {} : { otherwise }),
  };
}

/** Flags that configure a proxy, with the annotation each becomes (the facts of Linkerd 2.x). */
export const CONFIG_FLAGS: readonly ConfigFlag[] = [
  config("admin-port", "Port of the proxy's metrics and health", {
    otherwise: "4191",
  }),
  config("control-port", "Port of the proxy's tap server", {
    otherwise: "4190",
  }),
  config("inbound-port", "Port the proxy takes incoming connections on", {
    otherwise: "4143",
  }),
  config("outbound-port", "Port the proxy takes outgoing connections on", {
    otherwise: "4140",
  }),
  config(
    "skip-inbound-ports",
    "Ports and ranges whose incoming connections go past the proxy",
  ),
  config(
    "skip-outbound-ports",
    "Ports and ranges whose outgoing connections go past the proxy",
  ),
  config("opaque-ports", "Ports and ranges whose bytes are passed on unread", {
    otherwise: "25,587,3306,4444,5432,6379,9300,11211",
  }),
  config(
    "require-identity-on-inbound-ports",
    "Ports that only meshed clients may reach",
    {
      annotation: `${CONFIG}proxy-require-identity-inbound-ports`,
    },
  ),
  config("default-inbound-policy", "Who may call a port without a policy", {
    otherwise: "all-unauthenticated",
  }),
  config("proxy-image", "The proxy's image, without tag"),
  config("proxy-version", "The proxy's tag"),
  config(
    "image-pull-policy",
    "When images are pulled: Always, IfNotPresent or Never",
  ),
  config("proxy-uid", "User the proxy runs as", { otherwise: "2102" }),
  config("proxy-gid", "Group the proxy runs as"),
  config("proxy-log-level", "The proxy's log filter", {
    otherwise: "warn,linkerd=info,hickory=error",
  }),
  config("proxy-cpu-request", "CPU the proxy asks for, such as 100m"),
  config("proxy-cpu-limit", "Most CPU the proxy may use"),
  config("proxy-memory-request", "Memory the proxy asks for, such as 20Mi"),
  config("proxy-memory-limit", "Most memory the proxy may use"),
  config(
    "wait-before-exit-seconds",
    "Seconds the proxy goes on after it was told to end",
    {
      annotation: "config.alpha.linkerd.io/proxy-wait-before-exit-seconds",
    },
  ),
  config(
    "close-wait-timeout",
    "How long the kernel keeps half-closed connections, such as 30s",
  ),
  config(
    "enable-external-profiles",
    "Ask for the profiles of names outside the cluster",
    { kind: "switch" },
  ),
  config("native-sidecar", "Run the proxy as a native sidecar", {
    kind: "switch",
    annotation: `${CONFIG}proxy-enable-native-sidecar`,
  }),
  config("enable-debug-sidecar", "Add a container with network tools", {
    kind: "switch",
  }),
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
  {
    name: "registry",
    kind: "text",
    about: "Where images are, instead of their own registry",
  },
  ...CONFIG_FLAGS,
  {
    name: "proxy-cpu",
    kind: "text",
    about: "",
    replacedBy: "proxy-cpu-request",
  },
  {
    name: "proxy-memory",
    kind: "text",
    about: "",
    replacedBy: "proxy-memory-request",
  },
  { name: "disable-identity", kind: "switch", about: "", hidden: true },
];
