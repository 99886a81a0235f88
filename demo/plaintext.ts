import type { Bed } from "./bed/bed.ts";

/** Words that the load generator has in every request: one that only meshed pods pass on, one that legacy is told. */
export interface Markers {
  readonly secret: string;
  readonly open: string;
}

/** New markers, as nothing else contains. */
export function createMarkers(): Markers {
  return {
    secret: `secret-${crypto.randomUUID()}`,
    open: `open-${crypto.randomUUID()}`,
  };
}

/** What a look at the packets on the bridge found. */
export interface Sighting {
  /** Must be false: a word between meshed pods could be read. */
  readonly secretSeen: boolean;
  /** Must be true, or nobody looked: the word told to a pod outside the mesh. */
  readonly openSeen: boolean;
}

/** Records packets for a while under load and looks for the markers. */
export async function lookForMarkers(
  bed: Bed,
  markers: Markers,
  forMs: number,
): Promise<Sighting> {
  const capture = await bed.capture("tcp");
  await Bun.sleep(forMs);
  const packets = await capture.stop();
  return {
    secretSeen: packets.includes(markers.secret),
    openSeen: packets.includes(markers.open),
  };
}
