import { Problem } from "../../schemas/problem.ts";
import type { TapEvent as ProxyEvent } from "../../schemas/proto/gen/tap_pb.ts";
import type { ProxyTap } from "./client.ts";
import type { Asked } from "./request.ts";

/** How requests are asked of proxies, and who hears of them. */
export interface Asking {
  readonly asked: Asked;
  /** Requests in a window, at present. */
  readonly share: () => number;
  /** Numbers streams of events. */
  readonly numbered: () => number;
  readonly heard: (event: ProxyEvent, stream: number) => void;
}

/** As many requests as a proxy shows when it is asked once. */
export interface Window {
  /** Resolves when half of them have begun, or no more will. */
  readonly used: Promise<void>;
  /** Shows none that begins from now on, as another window does; those that have begun are shown to their ends. */
  finish(): void;
  /** Shows no more at all. */
  abort(): void;
}

/** A proxy that takes longer to answer is taken for dead. */
const PATIENCE_MS = 10_000;
/** A request has a begin, a response and an end. */
const EVENTS_PER_REQUEST = 3;

/** Asks a proxy for a window's requests. */
export function openWindow(
  tap: ProxyTap,
  { asked, share, numbered, heard }: Asking,
  signal: AbortSignal,
  { answered, gone }: {
    /** The proxy says anything at all. */
    readonly answered: () => void;
    /** It is through; with what it failed, or null. */
    readonly gone: (error: unknown) => void;
  },
): Window {
  const limit = share();
  const number = numbered();
  const patience = new AbortController();
  const given = new AbortController();
  const timer = setTimeout(
    () =>
      patience.abort(
        new Problem("connect.timeout", `no answer within ${PATIENCE_MS} ms`),
      ),
    PATIENCE_MS,
  );
  const used = Promise.withResolvers<void>();
  /** Requests that have begun, and not ended. */
  const open = new Set<bigint>();
  let isFinished = false;
  let requests = 0;
  let events = 0;

  /** Whether an event is shown: its request's begin was. */
  function takes(event: ProxyEvent): boolean {
    const turn = event.event.value?.event;
    const id = turn?.value?.id?.stream;
    if (id === undefined) return true; // says nothing, which is counted
    if (turn?.case === "responseEnd") return open.delete(id);
    if (turn?.case !== "requestInit") return open.has(id);
    if (isFinished) return false;
    open.add(id);
    requests++;
    return true;
  }

  async function show(): Promise<void> {
    const stream = tap.observe(
      asked(limit),
      AbortSignal.any([signal, patience.signal, given.signal]),
      () => {
        clearTimeout(timer);
        answered();
      },
    );
    for await (const event of stream) {
      const isTaken = takes(event);
      if (requests > limit || ++events > limit * EVENTS_PER_REQUEST) {
        throw new Problem(
          "protocol.invalid",
          `more events than ${limit} requests have`,
        );
      }
      if (isTaken) heard(event, number);
      if (requests * 2 >= limit) used.resolve();
      if (isFinished && open.size === 0) return given.abort();
    }
  }

  const end = (error: unknown): void => {
    clearTimeout(timer);
    used.resolve();
    const isAborted = signal.aborted || given.signal.aborted;
    gone(isAborted ? null : patience.signal.reason ?? error);
  };
  show().then(() => end(null), end);

  return {
    used: used.promise,
    finish() {
      isFinished = true;
      if (open.size === 0) given.abort();
    },
    abort: () => given.abort(),
  };
}
