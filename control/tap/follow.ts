import { harmless } from "../../schemas/harmless.ts";
import { describe } from "../../schemas/problem.ts";
import type { ConnectTap, ProxyTap } from "./client.ts";
import type { TapPod } from "./pods.ts";
import { type Asking, openWindow, type Window } from "./window.ts";

/** What is asked of a pod's proxy, again and again, and who hears how that goes. */
export interface Following extends Asking {
  readonly connect: ConnectTap;
  /** A proxy lets itself be tapped. */
  readonly opened: (pod: TapPod) => void;
  readonly failed: (pod: TapPod, why: string) => void;
}

/** A proxy is asked for its share once in this time (Linkerd's). */
const WINDOW_MS = 1_000;
/** Between attempts at a proxy that fails: twice the time before, from a window to this. */
const MAX_BACKOFF_MS = 30_000;
/** Windows whose requests have not all ended; the oldest is given up for another. */
const MAX_UNENDED = 4;

/** Shows a pod's requests until the signal aborts, however its proxy behaves. */
export async function followPod(
  pod: TapPod,
  following: Following,
  signal: AbortSignal,
): Promise<void> {
  let backoffMs = WINDOW_MS;
  const opened = (): void => {
    backoffMs = WINDOW_MS;
    following.opened(pod);
  };
  while (!signal.aborted) {
    const tap = following.connect(pod);
    try {
      await watch(tap, following, opened, signal);
    } catch (error) {
      if (signal.aborted) return;
      following.failed(pod, harmless(describe(error)));
    } finally {
      tap.close();
    }
    await sleep(backoffMs, signal);
    backoffMs = Math.min(2 * backoffMs, MAX_BACKOFF_MS);
  }
}

/**
 * Opens a window after another, until one fails. The next is opened a second after the last, as soon as half of that is used: so
 * requests that come less often than they may are all shown. From when it answers they are shown by it alone, but for the ends
 * of earlier ones; or requests that last would hide all that follow.
 */
async function watch(
  tap: ProxyTap,
  following: Asking,
  opened: () => void,
  signal: AbortSignal,
): Promise<void> {
  const windows = new Set<Window>();
  const closing = new AbortController();
  const until = AbortSignal.any([signal, closing.signal]);
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    while (!signal.aborted) {
      const tick = sleep(WINDOW_MS, until);
      const [oldest] = windows;
      if (windows.size >= MAX_UNENDED) oldest?.abort();
      const earlier = [...windows];
      const asking = {
        ...following,
        heard(...event: Parameters<Asking["heard"]>) {
          opened();
          following.heard(...event);
        },
      };
      const window = openWindow(tap, asking, until, {
        answered() {
          // Not before what they have received is read, of which the new one knows nothing.
          setImmediate(() => {
            for (const one of earlier) one.finish();
          });
          // A refusal follows an answer at once: what goes on after it is none.
          clearTimeout(timer);
          timer = setTimeout(opened, WINDOW_MS);
        },
        gone(error) {
          windows.delete(window);
          if (error !== null) broken.reject(error);
        },
      });
      windows.add(window);
      await Promise.race([window.used, broken.promise]);
      await Promise.race([tick, broken.promise]);
    }
  } finally {
    clearTimeout(timer);
    closing.abort();
  }
}

/** Resolves when the time is over or the signal aborts. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
