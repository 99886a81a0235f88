import {
  contains,
  type Network,
  parseIp,
  parseNetwork,
} from "../../../schemas/address.ts";
import { bullets, failed, PASSED, SKIPPED, type Verdict } from "../check.ts";
import { isOver } from "../pods.ts";
import { NODES, PODS, SERVICES } from "../resources.ts";
import { type Scene, titleOf } from "../scene.ts";

/** Nodes give their pods addresses that proxies take for the cluster's own. */
export async function nodesOutside(scene: Scene): Promise<Verdict> {
  const nodes = await scene.list(NODES);
  const ranges = [
    ...new Set(
      nodes.flatMap(({ spec }) =>
        spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : [])
      ),
    ),
  ];
  if (ranges.length === 0) return SKIPPED;
  const { clusterNetworks } = await scene.config();
  const networks = parseNetworks(clusterNetworks);
  const outside = ranges.filter((range) => {
    const { base, prefixBits } = parseNetwork(range);
    return !networks.some((network) =>
      network.prefixBits <= prefixBits && contains(network, base)
    );
  });
  if (outside.length === 0) return PASSED;
  const all = [clusterNetworks, ...outside].join(",").replaceAll(",", "\\,");
  return failed(
    `node has podCIDR(s) [${
      outside.join(" ")
    }] which are not contained in the Linkerd clusterNetworks.\n` +
      `\tTry installing linkerd via --set clusterNetworks="${all}"`,
  );
}

export async function podsOutside(scene: Scene): Promise<Verdict> {
  const pods = await scene.list(PODS);
  return await findOutside(
    scene,
    pods.filter((pod) => pod.spec.hostNetwork !== true && !isOver(pod))
      .map((pod) => [`pod ${titleOf(pod)}`, pod.status?.podIP ?? ""]),
  );
}

export async function servicesOutside(scene: Scene): Promise<Verdict> {
  const services = await scene.list(SERVICES);
  return await findOutside(
    scene,
    services.map((
      service,
    ) => [`svc ${titleOf(service)}`, service.spec.clusterIP ?? ""]),
  );
}

async function findOutside(
  scene: Scene,
  addresses: readonly (readonly [title: string, ip: string])[],
): Promise<Verdict> {
  const { clusterNetworks } = await scene.config();
  const networks = parseNetworks(clusterNetworks);
  const outside = addresses.filter(([, text]) => {
    // Absent, or "None" of a headless Service: no address, nothing to hold.
    const ip = parseIp(text);
    return ip !== null && !networks.some((network) => contains(network, ip));
  }).map(([title, ip]) => `${title} (${ip})`);
  const [first] = outside;
  if (first === undefined) return PASSED;
  const told =
    `the Linkerd clusterNetworks ["${clusterNetworks}"] do not include`;
  return failed(
    outside.length === 1 ? `${told} ${first}` : `${told}:\n${bullets(outside)}`,
  );
}

function parseNetworks(text: string): Network[] {
  return text.split(",").map((part) => part.trim()).filter((part) =>
    part !== ""
  ).map(parseNetwork);
}
