import type { SocketAddress } from "../schemas/address.ts";
import type { Problem } from "../schemas/problem.ts";
import type { Waiter } from "./balance/failfast.ts";
import type { Upstream } from "./endpoint.ts";
import type { Terms } from "./forward/terms.ts";
import type { RequestHead, Reset, ResponseHead } from "./http/message.ts";
import type { Judge } from "./record/classify.ts";
import type { Filters } from "./route/filter.ts";
import type { Claim } from "./route/path-table.ts";
import type { Labels } from "./tap/event.ts";
import type { Sight } from "./tap/sight.ts";

/** What the two directions do differently with a request. */
export interface Direction {
  /** Which way a request takes under the policy in force; a Problem when it has none. */
  route(head: RequestHead): Way | Problem;
  /** The request as this upstream gets it, edited or a copy; throws a Problem when it must not get it. */
  toUpstream(head: RequestHead, upstream: Upstream): RequestHead;
  /** Makes the response what the client is to get. */
  toClient(head: ResponseHead, request: RequestHead): void;
  /** Whether our own answers carry `l5d-proxy-*` fields. */
  readonly informational: boolean;
  /** Whether the client is a proxy, which sends elsewhere what did not reach the application here. */
  readonly tellsUnsent: boolean;
  /** Counts a request that failed here. */
  failed(problem: Problem): void;
  /** From where taps see its requests; null: from nowhere. */
  readonly sight: Sight | null;
  /** Requests between head and response head, over all connections of the direction. */
  readonly inFlight: InFlight;
}

/** A rule, and the path of its match by which a request found it. */
export type Way = Pick<Claim<Passage>, "payload" | "path">;

/** A rule that requests take: what is done to them, and between whom it chooses. */
export interface Passage {
  /** What taps say of the rule; null: nothing. */
  readonly labels: Labels | null;
  /** Where an attempt goes. */
  choose(): Lane;
  /** Applied at each attempt, before those of the lane. */
  readonly filters: Filters | null;
  /** Under which terms a request is sent; it may ask for others in fields, which are taken out. */
  terms(head: RequestHead): Terms;
  /** How responses count. */
  readonly judge: Judge;
  /** What is counted of this request. */
  metrics(head: RequestHead): RouteMetrics;
}

/** One backend of a rule. */
export interface Lane {
  /** Which service, rule and backend it is, for messages; "" where there is but one. */
  readonly place: string;
  /** True when policy sends nobody here any more: a request that has not been sent takes another way. */
  readonly closed: boolean;
  /** Whether `pick` would find an upstream. */
  readonly ready: boolean;
  /** An upstream that can take a request now; null: `wait` for one. */
  pick(): Upstream | null;
  /** The one at this address; null when it is none of them. */
  at(address: SocketAddress): Upstream | null;
  wait(waiter: Waiter<Upstream>): void;
  withdraw(waiter: Waiter<Upstream>): void;
  readonly filters: Filters | null;
  readonly metrics: BackendMetrics;
}

/** Room for requests in a direction. */
export interface InFlight {
  count: number;
  readonly max: number;
}

/** Counts requests of a route, however often they are sent. */
export interface RouteMetrics {
  requestFrame(grpc: boolean, bytes: number): void;
  /** `sinceStartMs`: since the request came. */
  finished(grpc: boolean, ending: Ending, sinceStartMs: number): void;
  retried(grpc: boolean, event: RetryEvent): void;
}

/**
 * What became of the wish to send a request again: it is; it was, and went well; there have been as many as there may be;
 * nobody can take it at once; the budget is used up.
 */
export type RetryEvent =
  | "request"
  | "success"
  | "limit"
  | "overflow"
  | "budget";

/** Counts what is sent to a backend of a route, `request_total` and its kin aside. */
export interface BackendMetrics {
  dispatched(grpc: boolean): void;
  responseFrame(grpc: boolean, bytes: number): void;
  /** Milliseconds since the request came, and since it was completely sent. */
  ended(
    grpc: boolean,
    ending: Ending,
    sinceStartMs: number,
    sinceSentMs: number,
  ): void;
}

/** How an exchange ended. */
export interface Ending {
  /** 0 when there was no response. */
  readonly status: number;
  readonly grpcStatus: string | null;
  /** Milliseconds from the request to the first frame of the response's body, or to its end; 0 when there was none. */
  readonly answeredAfterMs: number;
  /** Null when it is complete. */
  readonly reset: Reset | null;
  /** Why there is none, or not all of one, when that is for reasons of ours. */
  readonly problem: Problem | null;
}
