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

/**
 * Age at which a connection is replaced by a new one, give or take a tenth: peers are authenticated anew several times in
 * the life of a certificate (24 h), and connections spread again over what has changed in between.
 */
const MAX_AGE_MS = 3_600_000;
/** How long a connection that is opened on demand may carry nothing: as long as nginx keeps an idle upstream. */
const MAX_IDLE_MS = 60_000;

const GONE = new Problem("connect.failed", "the endpoint is not used any more");
const DROPPED = new Problem(
  "connect.failed",
  "the endpoint dropped the connection as soon as it was open",
);

type State =
  | { readonly kind: "down" }
  | { readonly kind: "connecting" }
  | { readonly kind: "waiting"; readonly timer: Timer }
  | {
    readonly kind: "up";
    readonly connection: ClientConnection;
    readonly sinceMs: number;
    readonly age: Timer;
    idle: Timer | undefined;
  };

type Timer = ReturnType<typeof setTimeout>;

/** `open` dials and rejects with a Problem; `changed` hears every change of `ready`. */
export function createHttp2Link(
  open: () => Promise<Channel>,
  options: LinkOptions,
  changed: () => void,
): Http2Link {
  let state: State = { kind: "down" };
  let failures = 0;
  let usedAtMs = 0;
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
  const establish = async (): Promise<ClientConnection> => {
    const channel = await open();
    // Null while `connectHttp2` runs, which may find that the peer is closing already; `enter` looks then.
    let connection: ClientConnection | null = null;
    return connection = connectHttp2(channel, options.http2, {
      ready() {
        if (state.kind !== "up" || state.connection !== connection) return;
        changed();
        serve();
      },
      retiring: () => lost(connection),
      closed: () => lost(connection),
    });
  };
  const enter = (connection: ClientConnection) => {
    leave();
    const ageMs = MAX_AGE_MS * (0.9 + 0.2 * Math.random());
    state = {
      kind: "up",
      connection,
      sinceMs: performance.now(),
      age: setTimeout(renew, ageMs),
      idle: options.eager ? undefined : setTimeout(rest, MAX_IDLE_MS),
    };
    if (connection.closed) return lost(connection);
    changed();
    serve();
  };
  /** Ends what the present state has going; what the connection carries is finished. */
  const leave = () => {
    if (state.kind === "waiting") clearTimeout(state.timer);
    if (state.kind === "up") {
      clearTimeout(state.age);
      clearTimeout(state.idle);
      state.connection.drain();
    }
    state = { kind: "down" };
  };
  const lost = (connection: ClientConnection | null) => {
    if (state.kind !== "up" || state.connection !== connection) return;
    const upMs = performance.now() - state.sinceMs;
    leave();
    changed();
    // A peer that takes connections and drops them at once is as good as none.
    if (upMs < options.backOff.minMs) return retry(DROPPED);
    failures = 0;
    if (options.eager || waiting.length > 0) connect();
  };
  const connect = () => {
    if (closed) return;
    state = { kind: "connecting" };
    establish().then(
      (connection) => closed ? connection.destroy() : enter(connection),
      (error: unknown) => {
        // A renewal may have succeeded meanwhile.
        if (state.kind === "connecting") retry(toProblem(error));
      },
    );
  };
  const retry = (problem: Problem) => {
    state = { kind: "down" };
    if (options.eager && !closed) {
      const { minMs, maxMs, jitter } = options.backOff;
      const waitMs = Math.min(maxMs, minMs * 2 ** Math.min(failures++, 20));
      state = {
        kind: "waiting",
        timer: setTimeout(connect, waitMs * (1 + jitter * Math.random())),
      };
    }
    refuseAll(problem);
  };
  /** The new connection first, then the end of the old one: no request waits. */
  const renew = () => {
    establish().then(
      (connection) => closed ? connection.destroy() : enter(connection),
      () => {}, // The old connection stays until it fails by itself.
    );
  };
  const rest = () => {
    if (state.kind !== "up") return;
    const idleMs = state.connection.active > 0
      ? 0
      : performance.now() - usedAtMs;
    if (idleMs >= MAX_IDLE_MS) return leave();
    state.idle = setTimeout(rest, MAX_IDLE_MS - idleMs);
  };

  if (options.eager) connect();
  return {
    get ready() {
      return state.kind === "up" && state.connection.ready;
    },
    acquire(lease) {
      if (!options.eager) usedAtMs = performance.now();
      if (state.kind === "up" && state.connection.ready) {
        return void lease.use(state.connection, false);
      }
      if (closed) return lease.refuse(GONE);
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
      leave();
      refuseAll(GONE);
    },
  };
}

function toProblem(error: unknown): Problem {
  return error instanceof Problem
    ? error
    : new Problem("connect.failed", describe(error), { cause: error });
}
