import { Problem } from "../../schemas/problem.ts";
import type { Waiter } from "../balance/failfast.ts";
import type { Direction, Lane, Way } from "../direction.ts";
import type { Upstream } from "../endpoint.ts";
import type { Field } from "../http/field.ts";
import type { Lease } from "../http/http1-pool.ts";
import {
  type ClientConnection,
  type ClientStream,
  type Exchange,
  RequestHead,
  type Reset,
  type ResponseHead,
} from "../http/message.ts";
import { isGrpc } from "../rescue.ts";
import { ANSWERED } from "./answer.ts";
import { Attempt, type Attempting } from "./attempt.ts";
import { Deadlines, type Limit } from "./deadlines.ts";
import { answerOfFilter, filterRequest, hasFilters } from "./filters.ts";
import { RequestBody } from "./request-body.ts";
import { Retries } from "./retries.ts";
import {
  isUnreachable,
  MAX_KEPT_BYTES,
  MAX_SENT_AGAIN,
  UNREACHABLE_RTT_MS,
} from "./send-again.ts";
import { Tally } from "./tally.ts";
import { ONCE, type Terms, UNLIMITED } from "./terms.ts";

/** The way of a request to an upstream: finds one, sends it there, and to another when nobody has looked at it. */
export abstract class Sender extends Tally implements Lease, Attempting {
  protected readonly exchange: Exchange;
  protected readonly direction: Direction;
  /** The request as the filters of its route leave it. */
  private request: RequestHead;
  /** The request as the upstream gets it. */
  private outgoing: RequestHead | null = null;
  protected stream: ClientStream | null = null;
  /** Null as long as nothing of one has come. */
  protected body: RequestBody | null = null;
  protected waiter: Waiter<Upstream> | null = null;
  protected reused = false;
  protected sentAgain = 0;
  /** True once nothing more of the request can come. */
  protected requestDone: boolean;
  private inFlight = false;
  protected over = false;
  /** Null when it is sent once. */
  protected retries: Retries | null = null;
  /** The one under way, when there may be another. */
  protected attempt: Attempt | null = null;
  protected deadlines: Deadlines | null = null;

  constructor(exchange: Exchange, direction: Direction) {
    super(isGrpc(exchange.head), performance.now());
    this.exchange = exchange;
    this.direction = direction;
    this.request = exchange.head;
    this.requestDone = exchange.ended;
  }

  abstract readonly heedsTrailers: boolean;
  abstract retryEnded(head: ResponseHead, trailers: readonly Field[]): boolean;
  abstract responseInformational(head: ResponseHead): void;
  abstract responseHead(head: ResponseHead, ended: boolean): void;
  abstract responseData(chunk: Uint8Array): boolean;
  abstract responseEnd(trailers: readonly Field[]): void;
  abstract responseReset(reset: Reset): void;
  abstract requestDrain(): void;
  /** Answers in place of the upstream. */
  protected abstract fail(problem: Problem, unsent?: boolean): void;
  protected abstract finish(reset: Reset | null): void;
  /** A time is over. */
  protected abstract expired(limit: Limit, afterMs: number): void;

  start(): void {
    // The client may have left.
    if (this.over) return;
    const { inFlight } = this.direction;
    if (inFlight.count >= inFlight.max) {
      return this.fail(
        new Problem(
          "loadshed",
          `${inFlight.count} requests are in flight already`,
        ),
      );
    }
    if (!this.takeWay()) return;
    inFlight.count += 1;
    this.inFlight = true;
    // Released in `use`: nothing of the body may arrive before there is somewhere to send it.
    if (!this.exchange.ended) this.exchange.pauseRequest();
    this.choose();
  }

  /** Finds the way that the policy in force has for it; false when there is none, and it has been answered. */
  private takeWay(): boolean {
    const { head } = this.exchange;
    const way = this.direction.route(head);
    if (way instanceof Problem) {
      this.fail(way);
      return false;
    }
    const { payload } = way;
    if (this.way === null) this.agree(payload.terms(head));
    this.way = way;
    this.route = payload.metrics(head);
    return true;
  }

  /** Takes up the terms of its rule; a body that is known to be too long to be kept is sent once. */
  private agree(terms: Terms): void {
    if (terms === ONCE) return;
    const { limits, retry } = terms;
    const { contentLength } = this.exchange.head;
    if (retry !== null && contentLength <= retry.maxBodyBytes) {
      this.retries = new Retries(
        retry,
        (event) => this.route?.retried(this.grpc, event),
      );
    }
    if (limits === null && this.attemptMs === null) return;
    this.deadlines = new Deadlines(
      limits ?? UNLIMITED,
      (limit, afterMs) => this.expired(limit, afterMs),
    );
  }

  private get attemptMs(): number | null {
    return this.retries?.attemptMs ?? null;
  }

  /** Sends it where its rule says now, or to a lane that has been chosen before. */
  protected choose(chosen: Lane | null = null): void {
    const closed = chosen?.closed ?? this.lane?.closed ?? false;
    if (closed && !this.takeWay()) return;
    const { way } = this;
    if (way === null) return;
    const lane = this.lane = closed || chosen === null
      ? way.payload.choose()
      : chosen;
    if (hasFilters(way, lane) && !this.filter(way, lane)) return;
    const upstream = lane.pick();
    if (upstream !== null) return this.dispatch(upstream);
    this.waiter = {
      use: (ready) => {
        this.waiter = null;
        this.dispatchedMs = performance.now();
        this.dispatch(ready);
      },
      refuse: (problem) => {
        this.waiter = null;
        if (lane.closed) this.choose();
        else this.fail(problem);
      },
    };
    lane.wait(this.waiter);
  }

  /** False when a filter has answered. */
  private filter(way: Way, lane: Lane): boolean {
    const filtered = filterRequest(this.exchange.head, way, lane);
    if (filtered instanceof RequestHead) {
      this.request = filtered;
      return true;
    }
    const { grpc, exchange, direction } = this;
    this.status = filtered.status;
    if (grpc) this.grpcStatus = String(filtered.grpc);
    const { place } = lane;
    exchange.respond(
      answerOfFilter(filtered, { grpc, place }, direction.informational),
      true,
    );
    this.finish(null);
    return false;
  }

  private dispatch(upstream: Upstream): void {
    const outgoing = this.translate(upstream);
    if (outgoing === null) return;
    this.outgoing = outgoing;
    this.beginAttempt(upstream, outgoing, this.direction.sight);
    if (this.retries !== null) this.attempt = new Attempt(this);
    upstream.acquire(outgoing, this.sentAgain > 0, this);
  }

  use(connection: ClientConnection, reused: boolean): boolean {
    const { exchange, upstream, outgoing } = this;
    if (this.over || upstream === null || outgoing === null) return false;
    this.reused = reused;
    this.count(upstream);
    if (this.requestDone) this.sentMs = performance.now();
    const { attempt, sentAgain, tapped } = this;
    const reader = attempt ?? this;
    const stream = tapped === null
      ? connection.request(outgoing, exchange.ended, reader)
      : tapped.request(connection, outgoing, exchange.ended, reader);
    // It may have been answered already, or lost and sent elsewhere.
    const isGone = this.over || this.attempt !== attempt ||
      this.sentAgain !== sentAgain;
    if (isGone) return true;
    this.stream = stream;
    attempt?.open(stream);
    this.deadlines?.begin();
    if (!exchange.ended) this.sendBody(stream);
    if (this.requestDone) this.deadlines?.sent(this.attemptMs);
    return true;
  }

  /** Null when the request may not go to this upstream, and has been answered. */
  private translate(upstream: Upstream): RequestHead | null {
    try {
      return this.direction.toUpstream(this.request, upstream);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.fail(error);
      return null;
    }
  }

  refuse(problem: Problem): void {
    const { upstream } = this;
    if (this.over || upstream === null) return;
    this.tapped?.failed(problem);
    const unsent = isUnreachable(problem);
    if (unsent && this.tryAnother(upstream)) return;
    this.fail(problem, unsent);
  }

  requestData(chunk: Uint8Array): boolean {
    // What comes behind a complete answer is read and dropped.
    if (this.over) return true;
    this.route?.requestFrame(this.grpc, chunk.length);
    this.deadlines?.active();
    const body = this.body ??= new RequestBody();
    if (this.stream !== null) {
      return body.pass(this.stream, chunk, this.keptBytes());
    }
    body.hold(chunk);
    return false;
  }

  requestEnd(trailers: readonly Field[]): void {
    this.requestDone = true;
    if (this.over) return;
    this.sentMs = performance.now();
    const body = this.body ??= new RequestBody();
    if (this.stream === null) return body.holdEnd(trailers);
    body.passEnd(this.stream, trailers, this.keptBytes());
    this.deadlines?.sent(this.attemptMs);
  }

  private sendBody(stream: ClientStream): void {
    // Otherwise `requestDrain` resumes, or nothing more comes.
    if (this.body?.sendOn(stream, this.keptBytes()) ?? true) {
      this.exchange.resumeRequest();
    }
  }

  /** How much of a body may be needed again; until an endpoint's proxy has answered: it alone can say that its application got nothing. */
  private keptBytes(): number {
    if (this.status !== 0) return 0;
    const { retries } = this;
    return Math.max(
      this.isMeshed() ? MAX_KEPT_BYTES : 0,
      retries !== null && retries.left ? retries.terms.maxBodyBytes : 0,
    );
  }

  protected isMeshed(): boolean {
    return (this.upstream?.endpoint.identity ?? null) !== null;
  }

  /** The application got nothing, so another endpoint may have the request; false when there is no other. */
  protected tryAnother(refused: Upstream): boolean {
    refused.load.sample(UNREACHABLE_RTT_MS, performance.now());
    const { lane } = this;
    if (
      lane === null || this.sentAgain >= MAX_SENT_AGAIN || !this.isWhole()
    ) return false;
    const other = lane.closed ? null : lane.pick();
    if (other === refused) return false;
    this.letGo("unsent");
    if (other === null) this.choose();
    else this.dispatch(other);
    return true;
  }

  /** Whether there is all of it to send again. */
  protected isWhole(): boolean {
    return this.body?.whole ?? true;
  }

  protected letGo(failure: "unsent" | "cancelled"): void {
    this.sentAgain += 1;
    if (!this.requestDone) this.stream?.reset(ANSWERED);
    this.stream = null;
    this.leaveUpstream(failure);
  }

  protected leaveFlight(): void {
    if (this.inFlight) this.direction.inFlight.count -= 1;
    this.inFlight = false;
  }
}
