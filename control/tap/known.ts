import type { KubeObject, Pod } from "../../schemas/kube.ts";
import { isRunning } from "../index/workloads.ts";
import type { Emit } from "../source.ts";
import type { WhoIs } from "./event.ts";
import { type TapPod, tapPodOf } from "./pods.ts";

/** The running pods of a source. */
export interface KnownPods {
  readonly apply: Emit;
  readonly all: () => Iterable<TapPod>;
  readonly whoIs: WhoIs;
}

/** Follows the pods of a source. */
export function createKnownPods(): KnownPods {
  const byName = new Map<string, TapPod>();
  const byIp = new Map<string, TapPod>();

  function replace(name: string, now: TapPod | null): void {
    const old = byName.get(name);
    for (const ip of old?.ips ?? []) {
      if (byIp.get(ip) === old) byIp.delete(ip);
    }
    if (now === null) {
      byName.delete(name);
      return;
    }
    byName.set(name, now);
    for (const ip of now.ips) byIp.set(ip, now);
  }

  return {
    apply(events) {
      for (const { kind, object } of events) {
        if (!isPod(object)) continue;
        const { namespace, name } = object.metadata;
        const isGone = kind === "delete" || !isRunning(object);
        replace(`${namespace}/${name}`, isGone ? null : tapPodOf(object));
      }
    },
    all: () => byName.values(),
    whoIs: (ip) => byIp.get(ip)?.metadata,
  };
}

function isPod(object: KubeObject): object is Pod {
  return object.kind === "Pod";
}
