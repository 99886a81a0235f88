import { harmless } from "../../schemas/harmless.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import type { TapEvent as ProxyEvent } from "../../schemas/proto/gen/tap_pb.ts";
import type { ConnectTap, ProxyTap } from "./client.ts";
import type { TapPod } from "./pods.ts";
import type { Asked } from "./request.ts";

/** What is asked of a pod's proxy, again and again, and who hears of it. */
export interface Following {
  readonly connect: ConnectTap;
  readonly asked: Asked;
  /** Requests in a window, at present. */
  readonly share: () => number;
  /** Numbers streams of events. */
  readonly numbered: () => number;
  readonly heard: (event: ProxyEvent, stream: number) => void;
  /** A proxy lets itself be tapped. */
  readonly opened: (pod: TapPod) => void;
  readonly failed: (pod: TapPod, why: string) => void;
}

/** A proxy is asked for its share once in this time (Linkerd's). */
const WINDOW_MS = 1_000;
/** A proxy that takes longer to answer is taken for dead. */
const PATIENCE_MS = 10_000;
/** Between attempts at a proxy that fails: twice the time before, from a window to this. */
const MAX_BACKOFF_MS = 30_000;
/** A request has a begin, a response and an end. */
const EVENTS_PER_REQUEST = 3;
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
      await watch(tap, { ...following, opened }, signal);
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

type Watching = Omit<Following, "opened"> & { readonly opened: () => void };

/**
 * Asks for a window's requests after another, until one fails. A window is over when its requests have begun: how they end is
 * heard beside those of later windows, or requests that last would hide all others.
 */
async function watch(
  tap: ProxyTap,
  watching: Watching,
  signal: AbortSignal,
): Promise<void> {
  const unended = new Set<AbortController>();
  const closing = new AbortController();
  const until = AbortSignal.any([signal, closing.signal]);
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  try {
    while (!signal.aborted) {
      const tick = sleep(WINDOW_MS, until);
      const giveUp = new AbortController();
      unended.add(giveUp);
      const begun = new Promise<void>((begun) => {
        const windowUntil = AbortSignal.any([until, giveUp.signal]);
        showWindow(tap, watching, windowUntil, begun)
          .finally(() => unended.delete(giveUp))
          .then(begun, broken.reject);
      });
      await Promise.race([begun, broken.promise]);
      await Promise.race([tick, broken.promise]);
      if (unended.size >= MAX_UNENDED) {
        const [oldest] = unended;
        oldest?.abort();
      }
    }
  } finally {
    closing.abort();
  }
}

/** Shows as many requests as one window has; `begun` is called when there will be no more. */
async function showWindow(
  tap: ProxyTap,
  { asked, share, numbered, heard, opened }: Watching,
  signal: AbortSignal,
  begun: () => void,
): Promise<void> {
  const limit = share();
  const number = numbered();
  const patience = new AbortController();
  let timer = setTimeout(
    () =>
      patience.abort(
        new Problem("connect.timeout", `no answer within ${PATIENCE_MS} ms`),
      ),
    PATIENCE_MS,
  );
  // A refusal follows an answer at once: what goes on after it is none.
  const answered = (): void => {
    clearTimeout(timer);
    timer = setTimeout(opened, WINDOW_MS);
  };
  let requests = 0;
  let events = 0;
  try {
    const stream = tap.observe(
      asked(limit),
      AbortSignal.any([signal, patience.signal]),
      answered,
    );
    for await (const event of stream) {
      if (events === 0) opened();
      if (isRequest(event)) requests++;
      if (requests > limit || ++events > limit * EVENTS_PER_REQUEST) {
        throw new Problem(
          "protocol.invalid",
          `more events than ${limit} requests have`,
        );
      }
      heard(event, number);
      if (requests === limit) begun();
    }
    opened();
  } catch (error) {
    if (signal.aborted) return;
    throw patience.signal.aborted ? patience.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

function isRequest({ event }: ProxyEvent): boolean {
  return event.case === "http" && event.value.event.case === "requestInit";
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
