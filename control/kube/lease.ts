import { describe } from "../../schemas/problem.ts";
import type { Log } from "../log.ts";
import { leaseObject, type LeasePlace } from "./lease/object.ts";

/** Milliseconds. What is done as the holder must be over before `durationMs` is. */
export interface LeaseTimes {
  /** A lease that nobody renewed for as long is free. */
  readonly durationMs: number;
  readonly renewMs: number;
  /** A holder that could not renew for as long holds nothing any more. */
  readonly giveUpMs: number;
  /** How often one who waits looks. */
  readonly retryMs: number;
}

/** The duration is Linkerd's, so that replicas of both can wait for each other; the rest leaves room within it. */
export const LEASE_TIMES: LeaseTimes = {
  durationMs: 30_000,
  renewMs: 10_000,
  giveUpMs: 20_000,
  retryMs: 2_000,
};

/** How long a call about the lease may take. */
const CALL_MS = 5_000;

export interface LeaseOptions extends LeasePlace {
  /** Who holds it, unlike every other replica. */
  readonly holder: string;
  readonly log: Log;
  /** Called with true when the lease is taken, with false when it is lost. */
  readonly onChange: (isHeld: boolean) => void;
  readonly times?: LeaseTimes;
}

/** One of several replicas' claim to do what only one may. */
export interface Lease {
  readonly isHeld: () => boolean;
  /** Stops, and lets the next replica in at once. */
  readonly release: () => Promise<void>;
}

/**
 * Takes the lease when it is free and renews it, until it is released; never throws. Whether another's claim is over is
 * judged by our clock alone, from when its last renewal was seen: clocks of nodes differ (as in client-go).
 */
export function holdLease(
  { holder, log, onChange, times = LEASE_TIMES, ...place }: LeaseOptions,
): Lease {
  const { durationMs, renewMs, giveUpMs, retryMs } = times;
  const object = leaseObject(place);
  const ending = new AbortController();
  let isTaken = false;
  /** When the last renewal that went through was sent: the lease holds for `durationMs` from then at least. */
  let renewedAtMs = 0;
  /** The version last seen, and since when. */
  let seen = { version: "", atMs: 0 };
  let trouble = "";
  let wake = (): void => {};
  const running = run();

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      try {
        await step(performance.now());
        trouble = "";
      } catch (thrown) {
        if (ending.signal.aborted) return;
        note(describe(thrown));
      }
      if (performance.now() - renewedAtMs >= giveUpMs) set(false);
      if (ending.signal.aborted) return;
      await pause(isTaken && trouble === "" ? renewMs : retryMs);
    }
  }

  async function step(nowMs: number): Promise<void> {
    // A call that hangs must not outlive the claim.
    const limit = AbortSignal.timeout(Math.min(CALL_MS, giveUpMs / 4));
    const signal = AbortSignal.any([ending.signal, limit]);
    const claim = { holder, durationMs, now: new Date() };
    const stored = await object.read(signal);
    if (stored !== null) {
      if (stored.version !== seen.version) {
        seen = { version: stored.version, atMs: nowMs };
      }
      if (stored.holder !== holder) set(false);
      const isOver = nowMs - seen.atMs >= durationMs;
      if (!["", holder].includes(stored.holder) && !isOver) return;
    }
    const isDone = stored === null
      ? await object.create(claim, signal)
      : await object.claim(stored, claim, signal);
    if (isDone) renewedAtMs = nowMs;
    set(isDone);
  }

  function set(next: boolean): void {
    if (isTaken === next) return;
    isTaken = next;
    const lease = `${place.namespace}/${place.name}`;
    log.info(next ? "lease taken" : "lease lost", {
      stage: "lease",
      lease,
      holder,
    });
    onChange(next);
  }

  function note(what: string): void {
    if (what !== trouble) log.warn(what, { stage: "lease" });
    trouble = what;
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function giveBack(): Promise<void> {
    const signal = AbortSignal.timeout(CALL_MS);
    const stored = await object.read(signal);
    if (stored?.holder === holder) await object.free(stored, signal);
  }

  return {
    isHeld: () => isTaken && performance.now() - renewedAtMs < giveUpMs,
    release: async () => {
      ending.abort(new Error("released"));
      wake();
      await running;
      if (!isTaken) return;
      set(false);
      await giveBack().catch((thrown) => note(describe(thrown)));
    },
  };
}
