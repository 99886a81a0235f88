import { formatAddress, type SocketAddress } from "../../schemas/address.ts";
import type {
  Backend,
  FailureAccrual,
  Load,
} from "../../schemas/client-policy.ts";
import type { Endpoint } from "../../schemas/destination.ts";
import { Problem } from "../../schemas/problem.ts";
import {
  type Balancer,
  type BalancerEvents,
  createBalancer,
  type Member,
} from "../balance.ts";
import type { Breaker } from "../balance/breaker.ts";
import type { QueueOptions, Waiter } from "../balance/failfast.ts";
import type { PeakEwma } from "../balance/peak-ewma.ts";
import type { Control } from "../control.ts";
import type { Watch } from "../control/watch.ts";

/** Where a backend's traffic goes: someone to hand it to, or a wait for one. */
export interface Upstreams<M> {
  /** False while it fails fast: another backend is to be preferred. */
  readonly available: boolean;
  /** Whether `pick` would find somebody. */
  readonly ready: boolean;
  /** Null: none is ready; `wait`. */
  pick(): M | null;
  /** The one at this address; null when it is none of them. */
  at(address: SocketAddress): M | null;
  wait(waiter: Waiter<M>): void;
  withdraw(waiter: Waiter<M>): void;
  close(): void;
}

export interface UpstreamsOptions<M extends Member> {
  readonly control: Control;
  readonly queue: QueueOptions;
  readonly accrual: FailureAccrual | null;
  readonly events: BalancerEvents;
  readonly random: () => number;
  /** `authority` is the logical name; undefined when an address is dialled as it is. */
  create(
    endpoint: Endpoint,
    authority: string | undefined,
    load: PeakEwma,
    changed: () => void,
    breaker: Breaker | null,
  ): M;
}

/** A backend that is there. */
export type LiveBackend = Exclude<Backend, { readonly kind: "nowhere" }>;

/** Load parameters where none is balanced (Linkerd's defaults). */
const DEFAULT_LOAD: Load = {
  defaultRttMs: 30,
  decayMs: 10_000,
  penalty: null,
};

/** Turns a backend of a policy into live upstreams: those that discovery finds, or one address. */
export function createUpstreams<M extends Member>(
  backend: LiveBackend,
  options: UpstreamsOptions<M>,
): Upstreams<M> {
  const authority = backend.kind === "balancer" ? backend.path : undefined;
  const balancer = createBalancer<M>({
    service: backend.kind === "balancer"
      ? backend.path
      : formatAddress(backend.endpoint.address),
    queue: options.queue,
    load: backend.kind === "balancer" ? backend.load : DEFAULT_LOAD,
    accrual: options.accrual,
    events: options.events,
    random: options.random,
    create: (endpoint, load, changed, breaker) =>
      options.create(endpoint, authority, load, changed, breaker),
  });
  const watch = backend.kind === "balancer"
    ? follow(backend.path, balancer, options.control)
    : null;
  if (backend.kind === "forward") {
    balancer.update(
      new Map([[formatAddress(backend.endpoint.address), backend.endpoint]]),
    );
  }
  return {
    get available() {
      return balancer.available;
    },
    get ready() {
      return balancer.ready;
    },
    pick: balancer.pick,
    at: balancer.at,
    wait: balancer.acquire,
    withdraw: balancer.withdraw,
    close() {
      watch?.close();
      balancer.close();
    },
  };
}

function follow<M extends Member>(
  path: string,
  balancer: Balancer<M>,
  control: Control,
): Watch {
  return control.watchEndpoints(path, {
    next: (endpoints) => balancer.update(endpoints),
    // A name that discovery refuses has no endpoints: fail fast, never fall back to the address dialled (facts 4.7).
    refused: () => balancer.update(new Map()),
  });
}

/** Refuses everything with one message: what a policy forbids, or sends nowhere. It has its share of the traffic all the same. */
export function refuseAll<M>(problem: Problem): Upstreams<M> {
  return {
    available: true,
    ready: true,
    pick: () => null,
    at: () => null,
    wait: (waiter) => waiter.refuse(problem),
    withdraw() {},
    close() {},
  };
}
