import { formatAddress, type SocketAddress } from "../schemas/address.ts";
import type { FailureAccrual, Load } from "../schemas/client-policy.ts";
import type { Endpoint, EndpointSet } from "../schemas/destination.ts";
import { Problem } from "../schemas/problem.ts";
import { type Breaker, createBreaker } from "./balance/breaker.ts";
import {
  createQueue,
  type QueueEvents,
  type QueueOptions,
  type Waiter,
} from "./balance/failfast.ts";
import { choose } from "./balance/p2c.ts";
import { PeakEwma } from "./balance/peak-ewma.ts";

/** One endpoint in a balancer: how loaded it is and whether something can be sent to it now. */
export interface Member {
  readonly load: PeakEwma;
  readonly ready: boolean;
  close(): void;
}

/** What metrics hear of a balancer. */
export interface BalancerEvents extends QueueEvents {
  endpoints(counts: { readonly ready: number; readonly pending: number }): void;
  updated(changes: { readonly added: number; readonly removed: number }): void;
  /** The balancer is gone; the last thing heard. */
  close(): void;
}

export interface Balancer<M extends Member> {
  /** False while it fails fast: who waits is refused at once. */
  readonly available: boolean;
  /** Whether there is a member to be picked at once. */
  readonly ready: boolean;
  /** Makes `set` the endpoints; unchanged ones keep their connections and load. */
  update(set: EndpointSet): void;
  /** A ready member, or null; then `acquire` waits for one. */
  pick(): M | null;
  /** The member at an address that something has been connected to already, ready or not; null when it is gone or left out. */
  at(address: SocketAddress): M | null;
  /** Hands a ready member to `waiter`, at once or when one is ready; or refuses. */
  acquire(waiter: Waiter<M>): void;
  withdraw(waiter: Waiter<M>): void;
  /** Closes all members and refuses who waits. */
  close(): void;
}

export interface BalancerOptions<M extends Member> {
  /** Names the service in messages: `web.app.svc.cluster.local:80`. */
  readonly service: string;
  readonly queue: QueueOptions;
  readonly load: Load;
  /** When endpoints are left out for failing; null: never. */
  readonly accrual: FailureAccrual | null;
  readonly events: BalancerEvents;
  readonly random: () => number;
  /**
   * `changed` must be called whenever `ready` has become true; that it has become false is noticed. `breaker` is to be
   * told of requests and how they went; the balancer heeds and closes it.
   */
  create(
    endpoint: Endpoint,
    load: PeakEwma,
    changed: () => void,
    breaker: Breaker | null,
  ): M;
}

/** A member and what decides whether it gets work. */
interface Entry<M> {
  readonly endpoint: Endpoint;
  readonly load: PeakEwma;
  readonly breaker: Breaker | null;
  readonly member: M;
}

/** Spreads work over the live endpoints of a destination: power of two choices by peak EWMA. */
export function createBalancer<M extends Member>(
  options: BalancerOptions<M>,
): Balancer<M> {
  const members = new Map<string, Entry<M>>();
  let ready: Entry<M>[] = [];
  let closed = false;

  const queue = createQueue<M>(options.queue, options.events, () => ({
    service: options.service,
    known: members.size,
    ready: ready.length,
    ejected: countEjected(members.values()),
  }));
  const recount = () => {
    ready = [];
    for (const entry of members.values()) {
      if (isReady(entry)) ready.push(entry);
    }
    options.events.endpoints({
      ready: ready.length,
      pending: members.size - ready.length,
    });
  };
  const pick = (): M | null => {
    const chosen = choose(ready, performance.now(), options.random);
    if (chosen === null) return null;
    if (isReady(chosen)) return chosen.member;
    recount();
    return choose(ready, performance.now(), options.random)?.member ?? null;
  };
  const pickCounted = (): M | null => {
    const member = pick();
    if (member !== null) options.events.served(0);
    return member;
  };
  const refresh = () => {
    if (closed) return;
    recount();
    queue.serve(pick);
  };
  const enter = (endpoint: Endpoint): Entry<M> => {
    const { accrual, random } = options;
    const load = new PeakEwma(
      options.load.defaultRttMs,
      options.load.decayMs,
      performance.now(),
      options.load.penalty,
    );
    const breaker = accrual && createBreaker(accrual, random, refresh);
    const member = options.create(endpoint, load, refresh, breaker);
    return { endpoint, load, breaker, member };
  };

  return {
    get available() {
      return !queue.failing;
    },
    get ready() {
      return ready.some(isReady);
    },
    update(set) {
      const before = members.size;
      const removed: Entry<M>[] = [];
      for (const [key, entry] of members) {
        const now = set.get(key);
        if (now !== undefined && sameEndpoint(now, entry.endpoint)) continue;
        members.delete(key);
        removed.push(entry);
      }
      for (const [key, endpoint] of set) {
        if (!members.has(key)) members.set(key, enter(endpoint));
      }
      options.events.updated({
        added: members.size - before + removed.length,
        removed: removed.length,
      });
      refresh();
      // Last: those that lose their endpoint ask for another at once, and must not be given one of these.
      for (const entry of removed) leave(entry);
    },
    pick: pickCounted,
    at(address) {
      for (const { endpoint, breaker, member } of members.values()) {
        if (formatAddress(endpoint.address) !== formatAddress(address)) {
          continue;
        }
        if (breaker?.ejected) return null;
        options.events.served(0);
        return member;
      }
      return null;
    },
    acquire(waiter) {
      const member = pickCounted();
      if (member === null) queue.wait(waiter);
      else waiter.use(member);
    },
    withdraw: (waiter) => queue.withdraw(waiter),
    close() {
      if (closed) return;
      closed = true;
      const gone = [...members.values()];
      members.clear();
      ready = [];
      options.events.endpoints({ ready: 0, pending: 0 });
      queue.close(
        new Problem(
          "failfast",
          `service ${options.service} is not used any more`,
        ),
      );
      for (const entry of gone) leave(entry);
      options.events.close();
    },
  };
}

function isReady({ member, breaker }: Entry<Member>): boolean {
  return member.ready && (breaker === null || breaker.admits);
}

function leave({ member, breaker }: Entry<Member>): void {
  breaker?.close();
  member.close();
}

function countEjected(entries: Iterable<Entry<Member>>): number {
  let ejected = 0;
  for (const { breaker } of entries) if (breaker?.ejected) ejected += 1;
  return ejected;
}

/** Whether two descriptions of one address lead to the same connections and labels. */
function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a === b ||
    (formatAddress(a.address) === formatAddress(b.address) &&
      JSON.stringify(a) === JSON.stringify(b));
}
