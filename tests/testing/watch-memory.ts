import { type Pod, proxyOf } from "../../demo/bed/pod.ts";
import { readMemory } from "../../demo/memory.ts";

/** What a proxy took (private-dirty) beyond what it had at first, in MB. */
export interface MemoryGrowth {
  /** At most, at any time. */
  readonly peakMb: number;
  /** In the end. */
  readonly keptMb: number;
}

const INTERVAL_MS = 250;

/** Measures the memory of a pod's proxy from now on, until the function it returns is called. */
export async function watchMemory(
  pod: Pod,
): Promise<() => Promise<MemoryGrowth>> {
  const { pid } = proxyOf(pod).program();
  const measure = async () => (await readMemory(pid)).privateDirtyMb;
  const first = await measure();
  let peak = first;
  const watching = setInterval(() => {
    measure().then(
      (now) => peak = Math.max(peak, now),
      // The proxy is gone, as at the end of a test that has failed.
      () => clearInterval(watching),
    );
  }, INTERVAL_MS);
  return async () => {
    clearInterval(watching);
    const last = await measure();
    return {
      peakMb: Math.round(Math.max(peak, last) - first),
      keptMb: Math.round(last - first),
    };
  };
}
