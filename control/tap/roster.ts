import type { TapPod } from "./pods.ts";

export interface RosterOptions {
  /** Those to be followed at present. */
  readonly pods: () => readonly TapPod[];
  /** Follows one until the signal aborts. */
  readonly follow: (pod: TapPod, signal: AbortSignal) => void;
  readonly now: () => number;
}

/** Connections of one tap, of some 60 kB each; of more pods, each has its turn. */
export const MAX_AT_ONCE = 50;
/** A turn, when others wait. */
const TURN_MS = 5_000;
/** How soon pods that come and go are noticed. */
const LOOK_MS = 1_000;

/** Follows pods as they come and go, at most `MAX_AT_ONCE` at a time; returns what ends it. */
export function keepRoster(
  { pods, follow, now }: RosterOptions,
): () => void {
  const followed = new Map<
    string,
    { readonly since: number; readonly stop: AbortController }
  >();
  /** When the turn of each began. */
  const turns = new Map<string, number>();

  function stop(id: string): void {
    followed.get(id)?.stop.abort();
    followed.delete(id);
  }

  /** Makes room by ending the turn that began first, if it has lasted. */
  function makeRoom(): boolean {
    if (followed.size < MAX_AT_ONCE) return true;
    const [oldest] = followed;
    if (oldest === undefined || now() - oldest[1].since < TURN_MS) return false;
    stop(oldest[0]);
    return true;
  }

  function look(): void {
    const wanted = new Map(pods().map((pod) => [pod.id, pod]));
    for (const id of [...followed.keys()]) if (!wanted.has(id)) stop(id);
    for (const id of [...turns.keys()]) if (!wanted.has(id)) turns.delete(id);
    const turnOf = ({ id }: TapPod): number => turns.get(id) ?? -Infinity;
    const waiting = [...wanted.values()]
      .filter(({ id }) => !followed.has(id))
      .map((pod) => ({ pod, turn: turnOf(pod) }))
      .sort((a, b) => a.turn < b.turn ? -1 : a.turn > b.turn ? 1 : 0);
    for (const { pod } of waiting) {
      if (!makeRoom()) return;
      const one = { since: now(), stop: new AbortController() };
      followed.set(pod.id, one);
      turns.set(pod.id, one.since);
      follow(pod, one.stop.signal);
    }
  }

  look();
  const timer = setInterval(look, LOOK_MS);
  return () => {
    clearInterval(timer);
    for (const id of [...followed.keys()]) stop(id);
  };
}
