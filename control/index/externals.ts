import type { ExternalWorkload } from "../../schemas/kube.ts";
import { canonicalIp } from "./addresses.ts";
import { idOf } from "./keys.ts";
import { createMultimap, type Multimap } from "./multimap.ts";
import { createNamed, type Named } from "./named.ts";

/** ExternalWorkloads by name, by namespace and by address. */
export interface Externals extends Named<ExternalWorkload> {
  /** Ids of those that have the address. */
  readonly byIp: Pick<Multimap<string>, "get">;
}

/** Creates an empty index of ExternalWorkloads. */
export function createExternals(): Externals {
  const named = createNamed<ExternalWorkload>();
  const byIp = createMultimap<string>();
  return {
    ...named,
    byIp,
    put(now, gone) {
      const old = named.put(now, gone);
      const id = idOf(now.metadata);
      for (const ip of old === undefined ? [] : externalIps(old)) {
        byIp.remove(ip, id);
      }
      for (const ip of gone ? [] : externalIps(now)) byIp.add(ip, id);
      return old;
    },
  };
}

/** The addresses of an ExternalWorkload in canonical text. */
export function externalIps({ spec }: ExternalWorkload): readonly string[] {
  return (spec.workloadIPs ?? []).map(({ ip }) => canonicalIp(ip));
}
