// The command line of each program of a cluster.
import type { Credentials } from "./credentials.ts";
import type { Layout } from "./layout.ts";
import { type Link, SERVICE_NETWORK } from "./node/addresses.ts";
import type { ClusterRecord, Ports } from "./record.ts";

const LOOPBACK = "127.0.0.1";
/** An address for documentation (RFC 5737): nothing listens, and the API server refuses to be told loopback. */
const NOWHERE = "192.0.2.1";
const ISSUER = "https://kubernetes.default.svc.cluster.local";

/**
 * The controllers without which an API server that is alone keeps objects it should not, or lacks some it should have.
 * None of those that make Pods: there is no node to run them.
 */
const CONTROLLERS_WITHOUT_NODE = [
  "clusterrole-aggregation-controller",
  "garbage-collector-controller",
  "namespace-controller",
  "root-ca-certificate-publisher-controller",
  "serviceaccount-controller",
  "serviceaccount-token-controller",
];

/** The URL of the API server. */
export function apiUrl(
  { link, ports }: Pick<ClusterRecord, "link" | "ports">,
): string {
  return `https://${link?.node ?? LOOPBACK}:${ports.api}`;
}

export function etcdArgs(layout: Layout, ports: Ports): string[] {
  const client = `http://${LOOPBACK}:${ports.etcd}`;
  const peer = `http://${LOOPBACK}:${ports.etcdPeer}`;
  return [
    "--name=only",
    `--data-dir=${layout.data}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=only=${peer}`,
    "--log-level=warn",
    // What is lost when the machine stops is lost with the cluster anyway.
    "--unsafe-no-fsync",
  ];
}

const ALONE = [
  `--bind-address=${LOOPBACK}`,
  `--advertise-address=${NOWHERE}`,
  // Service `kubernetes` gets no endpoints: there is nobody inside to reach them.
  "--endpoint-reconciler-type=none",
];

/** With the admission plugins that are on by default, and the one more that kubeadm adds. */
export function apiServerArgs(
  credentials: Credentials,
  ports: Ports,
  link: Link | undefined,
): string[] {
  const { authority, frontProxy, server, tokens, toKubelet } = credentials;
  return [
    `--etcd-servers=http://${LOOPBACK}:${ports.etcd}`,
    `--secure-port=${ports.api}`,
    ...(link === undefined ? ALONE : [
      // All of these are the node's: this machine sees one of them, over a cable, and other machines none.
      "--bind-address=0.0.0.0",
      `--advertise-address=${link.node}`,
      "--kubelet-preferred-address-types=InternalIP",
      `--kubelet-certificate-authority=${authority}`,
      `--kubelet-client-certificate=${toKubelet.certificate}`,
      `--kubelet-client-key=${toKubelet.key}`,
    ]),
    `--service-cluster-ip-range=${SERVICE_NETWORK}`,
    `--tls-cert-file=${server.certificate}`,
    `--tls-private-key-file=${server.key}`,
    `--client-ca-file=${authority}`,
    // As kubeadm has it: extension API servers learn of a ConfigMap whom to believe, and `linkerd check` looks for it.
    `--requestheader-client-ca-file=${frontProxy.authority}`,
    "--requestheader-allowed-names=front-proxy-client",
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    `--proxy-client-cert-file=${frontProxy.certificate}`,
    `--proxy-client-key-file=${frontProxy.key}`,
    `--service-account-issuer=${ISSUER}`,
    `--service-account-key-file=${tokens.publicKey}`,
    `--service-account-signing-key-file=${tokens.privateKey}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
  ];
}

export function controllerManagerArgs(
  credentials: Credentials,
  link: Link | undefined,
): string[] {
  const { authority, controllers, tokens } = credentials;
  return [
    `--kubeconfig=${controllers}`,
    `--controllers=${
      link === undefined ? CONTROLLERS_WITHOUT_NODE.join(",") : "*"
    }`,
    `--root-ca-file=${authority}`,
    `--service-account-private-key-file=${tokens.privateKey}`,
    "--use-service-account-credentials=true",
    "--leader-elect=false",
    // Nobody asks it anything.
    "--secure-port=0",
  ];
}

export function schedulerArgs({ scheduler }: Credentials): string[] {
  return [
    `--kubeconfig=${scheduler}`,
    "--leader-elect=false",
    "--secure-port=0",
  ];
}
