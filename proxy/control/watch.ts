import { formatCode, type GrpcStatus, StatusCode } from "../grpc/status.ts";
import { createBackOff } from "./back-off.ts";
import type { StreamLimits } from "../config/control.ts";
import type { ControlClient } from "./client.ts";
import type { Log } from "./connector.ts";

/** Something that goes on until closed. */
export interface Watch {
  close(): void;
}

/** What to watch and what to make of it. */
export interface WatchOptions {
  readonly client: ControlClient;
  readonly path: string;
  readonly request: Uint8Array;
  readonly random: () => number;
  readonly log: Log;
  /** A new stream begins; its messages do not continue those of the last one. */
  readonly opened: () => void;
  /** False: the stream has said enough, and is opened anew. */
  readonly message: (bytes: Uint8Array) => boolean;
  readonly judge: (status: GrpcStatus) => Verdict;
}

/** What an ending means: ask again soon, never, or after that many milliseconds. */
export type Verdict = "retry" | "final" | number;

/** Keeps a stream open: whenever it ends, asks again, with growing delays while nothing comes of it. */
export function keepWatching(options: WatchOptions): Watch {
  const closing = new AbortController();
  void run(options, closing.signal);
  return { close: () => closing.abort() };
}

async function run(options: WatchOptions, signal: AbortSignal): Promise<void> {
  const { client, path, log, judge } = options;
  const backOff = createBackOff(options.random);
  while (!signal.aborted) {
    options.opened();
    const { status, messages, expired } = await streamOnce(options, signal);
    if (signal.aborted) return;
    if (messages > 0) backOff.reset();
    const verdict = judge(status);
    if (verdict === "final") return;
    const delayMs = verdict === "retry" ? backOff.next() : verdict;
    if (verdict === "retry" && status.code !== StatusCode.ok && !expired) {
      log("warn", `Watch ${path} ended: ${formatCode(status.code)}`, {
        message: status.message,
        retryInMs: Math.round(delayMs),
      });
    }
    if (!await client.pause(delayMs, signal)) return;
  }
}

/** How a stream ended; `expired` when by one of our own limits. */
interface Ending {
  readonly status: GrpcStatus;
  readonly messages: number;
  readonly expired: boolean;
}

function streamOnce(
  options: WatchOptions,
  signal: AbortSignal,
): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  let messages = 0;
  const finish = (status: GrpcStatus, expired: boolean): void => {
    clock.stop();
    signal.removeEventListener("abort", abort);
    resolve({ status, messages, expired });
  };
  const giveUp = (status: GrpcStatus): void => {
    call.cancel();
    finish(status, status.code === StatusCode.deadlineExceeded);
  };
  const abort = (): void => giveUp(CLOSED);
  const clock = createClock(options.client.limits, () => giveUp(EXPIRED));
  signal.addEventListener("abort", abort);
  const call = options.client.start(options.path, options.request, {
    begun: () => clock.start(),
    message(bytes) {
      clock.message();
      messages++;
      if (!options.message(bytes)) giveUp(EXPIRED);
    },
    end: (status) => finish(status, BY_SERVER),
  });
  return promise;
}

const BY_SERVER = false;
const CLOSED = { code: StatusCode.cancelled, message: "closed" };
const EXPIRED = {
  code: StatusCode.deadlineExceeded,
  message: "a limit of control streams was reached",
};

/** The limits of one stream. */
interface Clock {
  start(): void;
  message(): void;
  stop(): void;
}

/** Longest time a timer holds; longer ones would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function createClock(limits: StreamLimits, expired: () => void): Clock {
  type Timer = ReturnType<typeof setTimeout>;
  const arm = (ms: number | undefined): Timer | undefined =>
    ms === undefined
      ? undefined
      : setTimeout(expired, Math.min(ms, MAX_TIMER_MS));
  let lifetime: Timer | undefined;
  let silence: Timer | undefined;
  return {
    start() {
      lifetime = arm(limits.lifetimeMs);
      silence = arm(limits.initialTimeoutMs);
    },
    message() {
      clearTimeout(silence);
      silence = arm(limits.idleTimeoutMs);
    },
    stop() {
      clearTimeout(lifetime);
      clearTimeout(silence);
    },
  };
}
