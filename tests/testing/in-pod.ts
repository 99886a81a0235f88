import { inNamespace } from "../../demo/bed/enter.ts";
import type { Pod } from "../../demo/bed/pod.ts";

/**
 * Runs `open` with the network of a pod, so that the socket it makes belongs there for good: tests then hold both ends of what
 * goes through the proxies in one process.
 */
export function inPod<T>(pod: Pick<Pod, "netns">, open: () => T): T {
  return inNamespace(pod.netns, open);
}
