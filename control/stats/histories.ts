import {
  addPage,
  createPodHistory,
  HISTORY_MS,
  type Losses,
  type PodHistory,
  type Room,
  trimHistory,
  WHOLE,
} from "./pod-history.ts";
import type { Labels } from "./readings.ts";

/** What pods have said, those that are gone included, for as long as it can be asked for. */
export interface Histories {
  /** Adds a page of a pod. */
  add(id: string, labels: Labels, page: string, nowMs: number): Losses;
  /** These pods are there from now on. */
  update(ids: ReadonlySet<string>, nowMs: number): void;
  all(): Iterable<PodHistory>;
}

/** Pods whose history is kept; those gone longest go first. */
export const MAX_PODS = 5_000;

/** What every pod may have, whatever others do: one that talks to 30 others has so much. */
const SHARE: Room = { numbers: 1_000, text: 200_000 };
/** What pods may have beyond their shares, all together: that of ten that take all they may. */
const MAX_EXCESS = 10 * (weigh(WHOLE) - weigh(SHARE));
/** What those that are gone may have: a thousand busy ones that were replaced within the hour. Those with the most go first. */
const MAX_GONE = 200 * weigh(SHARE);

/** An empty store. */
export function createHistories(): Histories {
  const histories = new Map<string, PodHistory>();
  /** Since when pods are. */
  const gone = new Map<string, number>();
  let excess = 0;

  function weighAt(id: string): number {
    const history = histories.get(id);
    return history === undefined ? 0 : weigh(history);
  }

  /** Its weight. */
  function forget(id: string): number {
    const weight = weighAt(id);
    gone.delete(id);
    histories.delete(id);
    return weight;
  }

  return {
    add(id, labels, page, nowMs) {
      let history = histories.get(id);
      if (history === undefined) {
        histories.set(id, history = createPodHistory(labels));
      }
      history.labels = labels;
      const before = excessOf(history);
      const room = excess < MAX_EXCESS ? WHOLE : SHARE;
      const losses = addPage(history, page, nowMs, room);
      trimHistory(history, nowMs);
      excess += excessOf(history) - before;
      return losses;
    },
    update(ids, nowMs) {
      excess = 0;
      let goneWeight = 0;
      for (const [id, history] of histories) {
        if (ids.has(id)) {
          gone.delete(id);
          excess += excessOf(history);
        } else {
          if (!gone.has(id)) gone.set(id, nowMs);
          goneWeight += weigh(history);
        }
      }
      for (const [id, sinceMs] of gone) {
        if (sinceMs >= nowMs - HISTORY_MS && histories.size <= MAX_PODS) break;
        goneWeight -= forget(id);
      }
      if (goneWeight <= MAX_GONE) return;
      const heaviest = [...gone.keys()]
        .sort((a, b) => weighAt(b) - weighAt(a));
      for (const id of heaviest) {
        if (goneWeight <= MAX_GONE) break;
        goneWeight -= forget(id);
      }
    },
    all: () => histories.values(),
  };
}

/** About how many bytes: a number takes two for each scrape of an hour and has names and objects, a character one. */
function weigh({ numbers, text }: Room): number {
  return 1_000 * numbers + text;
}

function excessOf(history: PodHistory): number {
  return Math.max(0, weigh(history) - weigh(SHARE));
}
