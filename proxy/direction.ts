import type { Problem } from "../schemas/problem.ts";
import type { Waiter } from "./balance/failfast.ts";
import type { Upstream } from "./endpoint.ts";
import type { RequestHead, Reset, ResponseHead } from "./http/message.ts";

/** What the two directions do differently with a request. */
export interface Direction {
  /** An upstream that can take a request now; null: `wait` for one. */
  pick(): Upstream | null;
  wait(waiter: Waiter<Upstream>): void;
  withdraw(waiter: Waiter<Upstream>): void;
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
  /** Counts what a route or Server is told. */
  readonly metrics: ExchangeMetrics;
  /** Requests between head and response head, over all connections of the direction. */
  readonly inFlight: InFlight;
}

/** Room for requests in a direction. */
export interface InFlight {
  count: number;
  readonly max: number;
}

/** Counters of exchanges beyond `request_total` and its kin. */
export interface ExchangeMetrics {
  dispatched(grpc: boolean): void;
  requestFrame(grpc: boolean, bytes: number): void;
  responseFrame(grpc: boolean, bytes: number): void;
  /** Milliseconds since the request came, and since it was completely sent. */
  ended(
    grpc: boolean,
    ending: Ending,
    sinceStartMs: number,
    sinceSentMs: number,
  ): void;
  /** Gives the series back; exchanges that are over only then still count. */
  release(): void;
}

/** How an exchange ended. */
export interface Ending {
  /** 0 when there was no response. */
  readonly status: number;
  readonly grpcStatus: string | null;
  /** Null when it is complete. */
  readonly reset: Reset | null;
}
