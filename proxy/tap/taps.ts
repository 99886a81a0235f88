import type { ObserveRequest } from "../wire/tap.ts";
import type { Matched } from "./match.ts";
import { GATHER_MS, Tap, type Watcher } from "./tap.ts";

/**
 * Taps at a time: each may hold half a mebibyte, and costs something with every request until it has seen enough. Whoever
 * watches asks anew each second, while requests that last are watched to their end.
 */
export const MAX_TAPS = 128;

/** The taps of a proxy. A class, for every request asks it. */
export class Taps {
  /** Those that want more requests. */
  readonly wanting: Tap[] = [];
  private readonly all = new Set<Tap>();
  private bases = 0;
  private readonly gatherMs: number;

  constructor(gatherMs = GATHER_MS) {
    this.gatherMs = gatherMs;
  }

  /** Begins a tap; null: there are too many. `close` must follow. */
  open(request: ObserveRequest, watcher: Watcher): Tap | null {
    if (this.all.size >= MAX_TAPS) return null;
    this.bases = (this.bases + 1) >>> 0;
    const tap = new Tap(request, this.bases, watcher, this.gatherMs);
    this.all.add(tap);
    this.wanting.push(tap);
    return tap;
  }

  close(tap: Tap): void {
    tap.end();
    this.all.delete(tap);
    this.forget(tap);
  }

  /** Those that are for a request, each of which it has entered. */
  enter(request: Matched): Entered[] {
    const entered: Entered[] = [];
    for (const tap of [...this.wanting]) {
      if (!tap.isFor(request)) continue;
      entered.push({ tap, id: tap.enter() });
      if (!tap.wantsMore) this.forget(tap);
    }
    return entered;
  }

  private forget(tap: Tap): void {
    const at = this.wanting.indexOf(tap);
    if (at !== -1) this.wanting.splice(at, 1);
  }
}

/** A request in a tap. */
export interface Entered {
  readonly tap: Tap;
  readonly id: ReturnType<Tap["enter"]>;
}
