import { writeFile } from "node:fs/promises";
import type { Credentials } from "../credentials.ts";
import type { Layout } from "../layout.ts";
import { DNS_IP, type Link, POD_NETWORK } from "./addresses.ts";
import { CONTAINERD } from "./containerd.ts";
import { nodeId } from "./namespaces.ts";

/** What the node is called in the cluster. */
export const NODE_NAME = "node";

/** Writes the kubelet's configuration; returns its command line. */
export async function kubeletArgs(
  layout: Layout,
  { authority, kubelet }: Credentials,
  link: Link,
): Promise<string[]> {
  const config = `${layout.node}/kubelet.json`;
  const resolvConf = `${layout.node}/resolv.conf`;
  // Of pods that want the node's own name resolution: there is none.
  await writeFile(resolvConf, "");
  await writeFile(
    config,
    JSON.stringify({
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: authority },
      },
      authorization: { mode: "Webhook" },
      tlsCertFile: kubelet.certificate,
      tlsPrivateKeyFile: kubelet.key,
      containerRuntimeEndpoint: `unix://${CONTAINERD}`,
      volumePluginDir: "/var/lib/kubelet/plugins",
      clusterDomain: "cluster.local",
      clusterDNS: [DNS_IP],
      resolvConf,
      cgroupDriver: "cgroupfs",
      cgroupRoot: `/${nodeId(layout)}`,
      // The machine is taken as it is.
      failCgroupV1: false,
      failSwapOn: false,
      // Whoever fills the disk of a test machine shall not be answered with evicted pods.
      evictionHard: {
        "memory.available": "0%",
        "nodefs.available": "0%",
        "nodefs.inodesFree": "0%",
        "imagefs.available": "0%",
        "imagefs.inodesFree": "0%",
      },
      // Images come from nowhere a second time.
      imageGCHighThresholdPercent: 100,
    }),
  );
  return [
    `--config=${config}`,
    `--kubeconfig=${kubelet.kubeconfig}`,
    "--root-dir=/var/lib/kubelet",
    `--hostname-override=${NODE_NAME}`,
    `--node-ip=${link.node}`,
  ];
}

/** With no limits on connections: those that exist are the whole machine's. */
export function kubeProxyArgs({ proxy }: Credentials): string[] {
  return [
    `--kubeconfig=${proxy}`,
    `--hostname-override=${NODE_NAME}`,
    "--proxy-mode=iptables",
    `--cluster-cidr=${POD_NETWORK}`,
    "--conntrack-max-per-core=0",
    "--conntrack-min=0",
    "--conntrack-tcp-timeout-established=0",
    "--conntrack-tcp-timeout-close-wait=0",
  ];
}
