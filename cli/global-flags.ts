import type { Flag } from "./command.ts";

/** Flags that every command takes. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  {
    name: "linkerd-namespace",
    short: "L",
    kind: "text",
    about: "The control plane's namespace",
    otherwise: "linkerd",
  },
  {
    name: "cni-namespace",
    kind: "text",
    about: "Where the CNI plugin is",
    otherwise: "linkerd-cni",
  },
  {
    name: "kubeconfig",
    kind: "text",
    about: "File that says where the cluster is",
    otherwise: "$KUBECONFIG, else ~/.kube/config, else the Pod's own cluster",
  },
  { name: "context", kind: "text", about: "Context of the kubeconfig" },
  { name: "as", kind: "text", about: "User to act for" },
  {
    name: "as-group",
    kind: "repeat",
    about: "Groups to act for, together with --as",
  },
  {
    name: "api-addr",
    kind: "text",
    about: "host:port of a control plane to ask instead of the cluster's",
  },
  {
    name: "viz-namespace",
    kind: "text",
    about: "Has no effect: metrics are in the control plane's namespace",
    hidden: true,
  },
  { name: "verbose", kind: "switch", about: "Say more on standard error" },
  { name: "help", short: "h", kind: "switch", about: "Show this help" },
];
