import type { Ports } from "./record.ts";

/** On a node, where nothing else listens: those of kubeadm. */
export const NODE_PORTS: Ports = { etcd: 2379, etcdPeer: 2380, api: 6443 };

/** Below the ports that Linux gives to outgoing connections (32768 on) and the node ports of Kubernetes (30000 on). */
const FIRST = 20_000;
const LAST = 29_999;

/** Ports of this machine's loopback. */
export function freePorts(random: () => number): Ports {
  return {
    etcd: freePort(random),
    etcdPeer: freePort(random),
    api: freePort(random),
  };
}

/** A port of loopback that nobody listens on, and that no outgoing connection takes before we do. */
function freePort(random: () => number): number {
  for (;;) {
    const port = FIRST + Math.floor(random() * (LAST - FIRST + 1));
    try {
      const socket = { data() {} };
      Bun.listen({ hostname: "127.0.0.1", port, socket }).stop(true);
      return port;
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EADDRINUSE") throw error;
    }
  }
}
