import { DNS_IP } from "./addresses.ts";
import { DNS_IMAGE } from "./images.ts";

const NAMESPACE = "kube-system";
/** The name that tools look for, whatever the server is. */
const SERVICE = "kube-dns";
const LABELS = { "k8s-app": SERVICE };

/** There is nothing beyond the cluster: other names do not exist. */
const COREFILE = `
cluster.local in-addr.arpa ip6.arpa {
  errors
  health
  ready
  loadbalance
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    pods insecure
    ttl 5
  }
}
. {
  errors
  template IN ANY . {
    rcode NXDOMAIN
  }
}
`;

function inNamespace(kind: string, apiVersion: string, name: string) {
  return { apiVersion, kind, metadata: { name, namespace: NAMESPACE } };
}

/** CoreDNS as a Deployment, with the Service that pods are told of. */
export const DNS_OBJECTS: readonly unknown[] = [
  inNamespace("ServiceAccount", "v1", "coredns"),
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "system:coredns" },
    rules: [
      {
        apiGroups: [""],
        resources: ["services", "pods", "namespaces"],
        verbs: ["list", "watch"],
      },
      {
        apiGroups: ["discovery.k8s.io"],
        resources: ["endpointslices"],
        verbs: ["list", "watch"],
      },
    ],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "system:coredns" },
    roleRef: {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "ClusterRole",
      name: "system:coredns",
    },
    subjects: [
      { kind: "ServiceAccount", name: "coredns", namespace: NAMESPACE },
    ],
  },
  {
    ...inNamespace("ConfigMap", "v1", "coredns"),
    data: { Corefile: COREFILE },
  },
  {
    ...inNamespace("Service", "v1", SERVICE),
    spec: {
      clusterIP: DNS_IP,
      selector: LABELS,
      ports: [
        { name: "dns", port: 53, protocol: "UDP" },
        { name: "dns-tcp", port: 53, protocol: "TCP" },
      ],
    },
  },
  {
    ...inNamespace("Deployment", "apps/v1", "coredns"),
    spec: {
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: {
          serviceAccountName: "coredns",
          priorityClassName: "system-cluster-critical",
          // Its own names are not asked for in the cluster.
          dnsPolicy: "Default",
          containers: [{
            name: "coredns",
            image: DNS_IMAGE,
            args: ["-conf", "/etc/coredns/Corefile"],
            volumeMounts: [
              { name: "config", mountPath: "/etc/coredns", readOnly: true },
            ],
            readinessProbe: {
              httpGet: { path: "/ready", port: 8181 },
              periodSeconds: 1,
            },
          }],
          volumes: [{ name: "config", configMap: { name: "coredns" } }],
        },
      },
    },
  },
];
