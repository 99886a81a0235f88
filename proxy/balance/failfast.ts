import { Problem } from "../../schemas/problem.ts";

export interface QueueOptions {
  /** Requests that may wait at once. */
  readonly capacity: number;
  /** How long a request may wait for a ready endpoint before the service fails fast. */
  readonly failfastMs: number;
}

/** Someone who waits for an endpoint: exactly one of the two is called, unless it is withdrawn before. */
export interface Waiter<M> {
  use(member: M): void;
  refuse(problem: Problem): void;
}

/** What is known of the endpoints when nobody can be served. */
export interface Census {
  readonly service: string;
  readonly known: number;
  readonly ready: number;
  /** Of those that are not ready: left out, as they answered badly. */
  readonly ejected: number;
}

/** What metrics hear of the queue. */
export interface QueueEvents {
  /** The gate has been shut (failing fast) or opened again. */
  gate(open: boolean): void;
  /** How many wait now. */
  queued(length: number): void;
  /** Somebody got a member, after so long. */
  served(waitedMs: number): void;
}

/**
 * The queue in front of a set of endpoints. While none is ready requests wait; when the first has waited for
 * `failfastMs` all fail and the gate shuts: later ones fail at once, until an endpoint is ready again.
 */
export function createQueue<M>(
  options: QueueOptions,
  events: QueueEvents,
  census: () => Census,
): {
  readonly length: number;
  readonly failing: boolean;
  wait(waiter: Waiter<M>): void;
  withdraw(waiter: Waiter<M>): void;
  /** Serves waiters as long as `next` gives a member. */
  serve(next: () => M | null): void;
  /** Refuses who waits, and who comes later. */
  close(problem: Problem): void;
} {
  let waiting: { readonly waiter: Waiter<M>; readonly sinceMs: number }[] = [];
  let failingSinceMs: number | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let closed: Problem | null = null;

  const refuseAll = (problem: Problem) => {
    const refused = waiting;
    waiting = [];
    events.queued(0);
    for (const { waiter } of refused) waiter.refuse(problem);
  };
  const stopTimer = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  const failFast = () => {
    timer = null;
    failingSinceMs = Date.now();
    events.gate(false);
    refuseAll(problemOf("failfast", "in fail-fast", census(), failingSinceMs));
  };

  return {
    get length() {
      return waiting.length;
    },
    get failing() {
      return failingSinceMs !== null;
    },
    wait(waiter) {
      if (closed !== null) waiter.refuse(closed);
      else if (failingSinceMs !== null) {
        waiter.refuse(
          problemOf("loadshed", "unavailable", census(), failingSinceMs),
        );
      } else if (waiting.length >= options.capacity) {
        waiter.refuse(
          problemOf(
            "loadshed",
            `unavailable: ${waiting.length} requests wait already`,
            census(),
            null,
          ),
        );
      } else {
        waiting.push({ waiter, sinceMs: performance.now() });
        events.queued(waiting.length);
        timer ??= setTimeout(failFast, options.failfastMs);
      }
    },
    withdraw(waiter) {
      const at = waiting.findIndex((entry) => entry.waiter === waiter);
      if (at < 0) return;
      waiting.splice(at, 1);
      events.queued(waiting.length);
      if (waiting.length === 0) stopTimer();
    },
    serve(next) {
      let member = next();
      if (member !== null && failingSinceMs !== null) {
        failingSinceMs = null;
        events.gate(true);
      }
      while (member !== null) {
        const first = waiting.shift();
        if (first === undefined) break;
        events.queued(waiting.length);
        events.served(performance.now() - first.sinceMs);
        first.waiter.use(member);
        if (waiting.length === 0) break;
        member = next();
      }
      if (waiting.length === 0) stopTimer();
    },
    close(problem) {
      closed = problem;
      stopTimer();
      refuseAll(problem);
    },
  };
}

function problemOf(
  code: "failfast" | "loadshed",
  what: string,
  census: Census,
  sinceMs: number | null,
): Problem {
  const { service, known, ready, ejected } = census;
  const since = sinceMs === null
    ? ""
    : ` since ${new Date(sinceMs).toISOString()}`;
  return new Problem(
    code,
    `service ${service} ${what}${since}: ${known} endpoints known, ${ready} ready, ${ejected} ejected`,
    { hint: hintOf(census) },
  );
}

function hintOf({ known, ejected }: Census): string {
  if (known === 0) return "check that the Service selects running, ready pods";
  return ejected === 0
    ? "check that its pods accept connections"
    : "check why its pods fail; failure accrual, set by annotations of the Service, tries them again by and by";
}
