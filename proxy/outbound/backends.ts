import type { SocketAddress } from "../../schemas/address.ts";
import type { Backend, FailureAccrual } from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Waiter } from "../balance/failfast.ts";
import { describeMeta } from "../wire/common.ts";
import { type LiveBackend, refuseAll, type Upstreams } from "./backend.ts";

/** Opens what a backend of a policy stands for. */
export type OpenBackend<M> = (
  backend: LiveBackend,
  accrual: FailureAccrual | null,
  parent: Meta,
) => Upstreams<M>;

/**
 * The backends of one target: however many rules send to the same, its endpoints are watched, connected to, judged and
 * queued for once, and stay so while policies come and go that send there.
 */
export interface Backends<M> {
  /** Must be released by everybody who has taken it. */
  take(
    backend: Backend,
    accrual: FailureAccrual | null,
    parent: Meta,
  ): SharedBackend<M>;
}

export function createBackends<M>(open: OpenBackend<M>): Backends<M> {
  const shared = new Map<string, SharedBackend<M>>();
  return {
    take(backend, accrual, parent) {
      const key = JSON.stringify([backend, accrual, parent]);
      let found = shared.get(key);
      if (found === undefined) {
        found = new SharedBackend(
          () =>
            backend.kind === "nowhere"
              ? refuseAll(missing(backend.meta))
              : open(backend, accrual, parent),
          () => shared.delete(key),
        );
        shared.set(key, found);
      }
      found.users += 1;
      return found;
    },
  };
}

/** A backend and whoever uses it. A class, for requests ask it. */
export class SharedBackend<M> implements Upstreams<M> {
  users = 0;
  /** True when nobody sends here any more. */
  closed = false;
  private opened: Upstreams<M> | null = null;
  private readonly open: () => Upstreams<M>;
  private readonly forget: () => void;

  constructor(open: () => Upstreams<M>, forget: () => void) {
    this.open = open;
    this.forget = forget;
  }

  /** One that nobody has asked for anything yet does not fail. */
  get available(): boolean {
    return this.opened === null || this.opened.available;
  }

  get ready(): boolean {
    return this.upstreams().ready;
  }

  pick(): M | null {
    return (this.opened ?? this.upstreams()).pick();
  }

  at(address: SocketAddress): M | null {
    return this.upstreams().at(address);
  }

  wait(waiter: Waiter<M>): void {
    this.upstreams().wait(waiter);
  }

  withdraw(waiter: Waiter<M>): void {
    this.opened?.withdraw(waiter);
  }

  /** One user fewer; the last one closes it. */
  close(): void {
    if (--this.users > 0) return;
    this.closed = true;
    this.forget();
    this.opened?.close();
  }

  private upstreams(): Upstreams<M> {
    return this.opened ??= this.closed ? refuseAll(UNUSED) : this.open();
  }
}

const UNUSED = new Problem("failfast", "policy does not send here any more");

/** As Gateway API wants what a rule would send to a backend that is not there to be answered (decision 0134). */
export function missing(meta: Meta): Problem {
  return new Problem(
    "backend.missing",
    `there is no ${describeMeta(meta)} to send to`,
    {
      hint: "compare the backendRefs of the route with the Services there are",
    },
  );
}
