import { Problem } from "../../schemas/problem.ts";
import type { TapEvent } from "../../schemas/tap.ts";
import type { Tapping } from "../tap.ts";
import type { ConnectTap } from "./client.ts";
import { translateEvent, type WhoIs } from "./event.ts";
import { type Following, followPod } from "./follow.ts";
import type { TapPod } from "./pods.ts";
import { createQueue } from "./queue.ts";
import { translateFilter } from "./request.ts";
import { keepRoster, MAX_AT_ONCE } from "./roster.ts";
import { noPods, scopeOf } from "./target.ts";
import { weightOf } from "./weight.ts";

export interface TappingOptions {
  readonly pods: () => Iterable<TapPod>;
  readonly whoIs: WhoIs;
  readonly connect: ConnectTap;
  readonly now: () => number;
  /** Told of a proxy that cannot be tapped, once for each tap; it is tried again. */
  readonly failed: (pod: TapPod, why: string) => void;
  /** Told of an event that is shown, or not: `dropped` for want of room, `garbage` when it says nothing. */
  readonly counted: (fate: "shown" | "dropped" | "garbage") => void;
}

/** Characters of events that wait for a reader that is slower than they come. */
export const MAX_WAITING = 1 << 20;

/** Taps proxies: as many pods of the target as are there at any time, all at once, none waiting for another. */
export function createTapping(options: TappingOptions): Tapping {
  return (target, filter, signal) => {
    const inScope = scopeOf(target, filter.selector);
    const asked = translateFilter(filter);
    const found = () => [...options.pods()].filter(inScope);
    const tappable = () => found().filter(isTappable);
    if (tappable().length === 0) throw noPods(target, found());
    return show();

    async function* show(): AsyncGenerator<TapEvent> {
      const events = createQueue<TapEvent>(MAX_WAITING);
      const end = (): void => events.end();
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
      let streams = 0;
      let tapped = 1;
      let isAgreed = false;
      const refused = new Set<string>();
      const following: Following = {
        connect: options.connect,
        asked,
        share: () => Math.max(1, Math.floor(filter.maxRps / tapped)),
        numbered: () => ++streams,
        heard(event, stream) {
          const shown = translateEvent(event, stream, options.whoIs);
          if (shown === null) options.counted("garbage");
          else {
            const isTaken = events.push(shown, weightOf(shown));
            options.counted(isTaken ? "shown" : "dropped");
          }
        },
        opened() {
          isAgreed = true;
        },
        failed(pod, why) {
          if (!refused.has(pod.id)) options.failed(pod, why);
          refused.add(pod.id);
          if (!isAgreed && refused.size >= tapped) {
            events.end(allRefused(refused.size, why));
          }
        },
      };
      const closeRoster = keepRoster({
        pods() {
          const pods = tappable();
          tapped = Math.min(Math.max(1, pods.length), MAX_AT_ONCE);
          return pods;
        },
        follow: (pod, stopped) => void followPod(pod, following, stopped),
        now: options.now,
      });
      try {
        for await (const event of events) {
          if (signal.aborted) return;
          yield event;
        }
      } finally {
        closeRoster();
        signal.removeEventListener("abort", end);
      }
    }
  };
}

function isTappable({ state, ips }: TapPod): boolean {
  return state === "enabled" && ips.length > 0;
}

function allRefused(count: number, why: string): Problem {
  const whose = count === 1 ? "the pod's proxy" : `all ${count} pods' proxies`;
  return new Problem("connect.failed", `${whose} cannot be tapped: ${why}`, {
    hint: "restart pods that are older than the mesh they are in",
  });
}
