import { mkdir, symlink, writeFile } from "node:fs/promises";
import { GATEWAY, SERVICE_NETWORK } from "./layout.ts";
import { system } from "./system.ts";

/** The bridge's name in the node's namespace. */
export const BRIDGE = "br0";

/** Fixed, because a bridge otherwise takes its lowest port's and loses the pods' traffic whenever that changes. */
const GATEWAY_MAC = "02:00:0a:2a:00:01";

/**
 * The node: a namespace with a bridge that all pods hang on, and the routing between them. Forwarding and the absence of
 * ICMP redirects (which would teach pods a way around the node's address translation) are settings of this namespace only.
 */
export async function createNode(namespace: string): Promise<void> {
  await system(["ip", "netns", "add", namespace]);
  await configure(namespace, [
    "link set lo up",
    `link add ${BRIDGE} address ${GATEWAY_MAC} type bridge`,
    `addr add ${GATEWAY}/16 dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
    // Traffic to services without endpoints must get as far as the rule that refuses it.
    `route add ${SERVICE_NETWORK} dev ${BRIDGE}`,
  ], {
    "net/ipv4/conf/all/send_redirects": 0,
    "net/ipv4/conf/default/send_redirects": 0,
    "net/ipv6/conf/all/disable_ipv6": 1,
    "net/ipv6/conf/default/disable_ipv6": 1,
    "net/ipv4/ip_forward": 1,
    // Where br_netfilter is loaded, address translation would happen on the bridge, which then drops what it turns
    // from one isolated port to another.
    "net/bridge/bridge-nf-call-iptables": 0,
  });
}

/** What a pod's namespace is joined with. */
export interface PodNetwork {
  readonly namespace: string;
  readonly node: string;
  readonly ip: string;
  /** Number of the pod in its bed: names its end of the cable on the bridge. */
  readonly index: number;
  /** The hosts file that programs in the pod see as /etc/hosts. */
  readonly hosts: string;
}

/**
 * A pod's namespace. Its address is a /32 behind the gateway, so that all it sends passes the node's routing, also to
 * pods on the same bridge: service addresses are then translated both ways while the client's address is kept.
 */
export async function createPodNetwork(pod: PodNetwork): Promise<void> {
  const etc = `/etc/netns/${pod.namespace}`;
  const cable = `pod${pod.index}`;
  await Promise.all([
    mkdir(etc, { recursive: true }).then(() =>
      Promise.all([
        symlink(pod.hosts, `${etc}/hosts`),
        // Nobody answers there: a name that is not in the hosts file fails at once and never leaves the pod.
        writeFile(`${etc}/resolv.conf`, "nameserver 127.0.0.1\n"),
      ])
    ),
    system(["ip", "netns", "add", pod.namespace]),
  ]);
  await system(
    ["ip", "-n", pod.node, "-batch", "-"],
    [
      `link add ${cable} type veth peer name eth0 netns ${pod.namespace}`,
      `link set ${cable} master ${BRIDGE}`,
      `link set ${cable} type bridge_slave isolated on`,
      `link set ${cable} up`,
    ].join("\n"),
  );
  await configure(pod.namespace, [
    "link set lo up",
    `addr add ${pod.ip}/32 dev eth0`,
    "link set eth0 up",
    `route add ${GATEWAY} dev eth0 scope link`,
    `route add default via ${GATEWAY} dev eth0 src ${pod.ip}`,
  ], {
    "net/ipv6/conf/all/disable_ipv6": 1,
    // As container runtimes do: applications may listen on port 80 without being root.
    "net/ipv4/ip_unprivileged_port_start": 0,
  });
}

async function configure(
  namespace: string,
  commands: readonly string[],
  settings: Readonly<Record<string, number>>,
): Promise<void> {
  // Settings of features that the kernel lacks are not there, and not needed.
  const writes = Object.entries(settings).map(([path, value]) =>
    `if [ -e /proc/sys/${path} ]; then echo ${value} > /proc/sys/${path}; fi`
  );
  await system(
    [
      "ip",
      "netns",
      "exec",
      namespace,
      "sh",
      "-c",
      [...writes, "ip -batch -"].join(" && "),
    ],
    commands.join("\n"),
  );
}
