import { system } from "../../../demo/bed/system.ts";

/** Of pods, from which the CNI plugins give addresses; no other network of the node knows it. */
export const POD_NETWORK = "10.244.0.0/16";
/** Of Services: kubeadm's default, which lies in the cluster networks of `linkerd install`, as the others here do. */
export const SERVICE_NETWORK = "10.96.0.0/12";
/** Of Service `kubernetes`: the first of them, as every API server chooses it. */
export const KUBERNETES_IP = "10.96.0.1";
/** Of the cluster's DNS, where kubeadm has it. */
export const DNS_IP = "10.96.0.10";

/** The two ends of the cable between this machine and the node: a network of four addresses. */
export interface Link {
  readonly machine: string;
  readonly node: string;
}

/** Shared address space (RFC 6598): hardly ever in use on a machine, and one of the cluster networks. */
const FIRST = (100 << 24) + (64 << 16);
const LINKS = 2 ** 20;

/** Addresses that no route of this machine but the default one leads to. */
export async function chooseLink(random: () => number): Promise<Link> {
  for (;;) {
    const start = FIRST + 4 * Math.floor(random() * LINKS);
    const link = { machine: format(start + 1), node: format(start + 2) };
    const routes = await system(["ip", "route", "show", "match", link.node]);
    const taken = routes.split("\n")
      .some((route) => route !== "" && !route.startsWith("default "));
    if (!taken) return link;
  }
}

function format(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}
