import type { Channel } from "../channel.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import { connectHttp2 } from "../http2/client.ts";
import type { Http2Options } from "../http2/options.ts";
import type { Lease } from "./http1-pool.ts";
import type { ClientConnection } from "./message.ts";

export interface LinkOptions {
  /** Connect at once and again after every loss; otherwise when a request comes. */
  readonly eager: boolean;
  readonly backOff: BackOff;
  readonly http2: Http2Options;
}

/** Exponential back-off between attempts. */
export interface BackOff {
  readonly minMs: number;
  readonly maxMs: number;
  /** Random share added to each wait, 0 to 1. */
  readonly jitter: number;
}

/** The one HTTP/2 connection to an address, opened again whenever it is lost or retired. */
export interface Http2Link {
  /** True while a request can be sent at once. */
  readonly ready: boolean;
  acquire(lease: Lease): void;
  close(): void;
}

/** Requests that may wait for a connection, as in Linkerd's per-backend queue (facts 4.7). */
const MAX_WAITING = 10_000;

type State =
  | { readonly kind: "down" }
  | { readonly kind: "connecting" }
  | { readonly kind: "waiting"; readonly timer: ReturnType<typeof setTimeout> }
  | { readonly kind: "up"; readonly connection: ClientConnection };

/** `open` dials and rejects with a Problem; `changed` hears every change of `ready`. */
export function createHttp2Link(
  open: () => Promise<Channel>,
  options: LinkOptions,
  changed: () => void,
): Http2Link {
  let state: State = { kind: "down" };
  let failures = 0;
  let closed = false;
  let waiting: Lease[] = [];

  const serve = () => {
    while (
      waiting.length > 0 && state.kind === "up" && state.connection.ready
    ) {
      waiting.shift()?.use(state.connection, false);
    }
  };
  const refuseAll = (problem: Problem) => {
    const refused = waiting;
    waiting = [];
    for (const lease of refused) lease.refuse(problem);
  };
  const lost = (connection: ClientConnection) => {
    if (state.kind !== "up" || state.connection !== connection) return;
    state = { kind: "down" };
    changed();
    if (options.eager || waiting.length > 0) connect();
  };
  const retry = (problem: Problem) => {
    refuseAll(problem);
    if (closed || !options.eager) return void (state = { kind: "down" });
    const { minMs, maxMs, jitter } = options.backOff;
    const waitMs = Math.min(maxMs, minMs * 2 ** Math.min(failures++, 20));
    state = {
      kind: "waiting",
      timer: setTimeout(connect, waitMs * (1 + jitter * Math.random())),
    };
  };
  const connect = () => {
    if (closed) return;
    state = { kind: "connecting" };
    open().then(
      (channel) => {
        if (closed) return channel.destroy();
        const connection: ClientConnection = connectHttp2(
          channel,
          options.http2,
          {
            ready() {
              failures = 0;
              changed();
              serve();
            },
            retiring: () => lost(connection),
            closed: () => lost(connection),
          },
        );
        state = { kind: "up", connection };
        if (connection.ready) {
          changed();
          serve();
        }
      },
      (error: unknown) =>
        retry(
          error instanceof Problem
            ? error
            : new Problem("connect.failed", describe(error), { cause: error }),
        ),
    );
  };

  if (options.eager) connect();
  return {
    get ready() {
      return state.kind === "up" && state.connection.ready;
    },
    acquire(lease) {
      if (state.kind === "up" && state.connection.ready) {
        return void lease.use(state.connection, true);
      }
      if (waiting.length >= MAX_WAITING) {
        return lease.refuse(
          new Problem(
            "loadshed",
            `${waiting.length} requests wait for a connection already`,
          ),
        );
      }
      waiting.push(lease);
      if (state.kind === "down") connect();
    },
    close() {
      closed = true;
      if (state.kind === "waiting") clearTimeout(state.timer);
      if (state.kind === "up") state.connection.drain();
      state = { kind: "down" };
      refuseAll(
        new Problem("connect.failed", "the endpoint is not used any more"),
      );
    },
  };
}
