import { Problem } from "../schemas/problem.ts";
import type { Waiter } from "./balance/failfast.ts";
import type { Direction, Lane, Way } from "./direction.ts";
import type { Upstream } from "./endpoint.ts";
import {
  ANSWERED,
  answerOf,
  CANCEL,
  filtered,
  grpcStatusOf,
  isSwitch,
} from "./forward/answer.ts";
import { RequestBody } from "./forward/request-body.ts";
import {
  isUnreachable,
  MAX_SENT_AGAIN,
  mayGoAgain,
  UNREACHABLE_RTT_MS,
} from "./forward/send-again.ts";
import { Tally } from "./forward/tally.ts";
import type { Field } from "./http/field.ts";
import type { Lease } from "./http/http1-pool.ts";
import {
  type ClientConnection,
  type ClientStream,
  type Exchange,
  type RequestHead,
  type RequestReader,
  type Reset,
  type ResponseHead,
  type ResponseReader,
} from "./http/message.ts";
import { copyHead } from "./http/orig-proto.ts";
import { saysUnsent } from "./http/unsent.ts";
import { isEndedByUs } from "./record/ending.ts";
import { relay } from "./relay.ts";
import { isGrpc, statusOf } from "./rescue.ts";
import { applyFilters, applyToResponse } from "./route/filter.ts";

/** Carries one request to an upstream and its response back. */
export function forward(exchange: Exchange, direction: Direction): void {
  new Forward(exchange, direction).start();
}

class Forward extends Tally implements RequestReader, ResponseReader, Lease {
  private readonly exchange: Exchange;
  private readonly direction: Direction;
  /** Whether the client speaks HTTP/2: resets can be passed on, and its connection carries other requests too. */
  private readonly multiplexed: boolean;
  /** The request as the filters of its route leave it. */
  private request: RequestHead;
  /** The request as the upstream gets it. */
  private outgoing: RequestHead | null = null;
  private stream: ClientStream | null = null;
  /** Null as long as nothing of one has come. */
  private body: RequestBody | null = null;
  private waiter: Waiter<Upstream> | null = null;
  private reused = false;
  private sentAgain = 0;
  /** True once nothing more of the request can come. */
  private requestDone: boolean;
  private inFlight = false;
  private over = false;

  constructor(exchange: Exchange, direction: Direction) {
    super(isGrpc(exchange.head), performance.now());
    this.exchange = exchange;
    this.direction = direction;
    this.request = exchange.head;
    this.multiplexed = exchange.head.version === "2";
    this.requestDone = exchange.ended;
    exchange.reader = this;
  }

  start(): void {
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
    this.way = way;
    this.route = way.payload.metrics(head);
    return true;
  }

  private choose(): void {
    if (this.lane?.closed === true && !this.takeWay()) return;
    const { way } = this;
    if (way === null) return;
    const lane = this.lane = way.payload.choose();
    const isFiltered = way.payload.filters !== null || lane.filters !== null;
    if (isFiltered && !this.filter(way, lane)) return;
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

  /** Applies filters to a copy, for it may be sent more than once; false when they have answered. */
  private filter(way: Way, lane: Lane): boolean {
    const { head } = this.exchange;
    const request = this.request = copyHead(head, [...head.fields]);
    for (const filters of [way.payload.filters, lane.filters]) {
      const answer = filters === null
        ? null
        : applyFilters(filters, way, request, Math.random);
      if (answer === null) continue;
      this.status = answer.status;
      if (this.grpc) this.grpcStatus = String(answer.grpc);
      this.exchange.respond(filtered(answer, this.grpc, this.direction), true);
      this.finish(null);
      return false;
    }
    return true;
  }

  private dispatch(upstream: Upstream): void {
    const outgoing = this.translate(upstream);
    if (outgoing === null) return;
    this.upstream = upstream;
    this.outgoing = outgoing;
    upstream.load.pending += 1;
    upstream.acquire(outgoing, this.sentAgain > 0, this);
  }

  use(connection: ClientConnection, reused: boolean): boolean {
    const { exchange, upstream, outgoing } = this;
    if (this.over || upstream === null || outgoing === null) return false;
    this.reused = reused;
    this.count(upstream);
    if (exchange.ended) this.sentMs = performance.now();
    const stream = connection.request(outgoing, exchange.ended, this);
    if (!this.over) {
      this.stream = stream;
      if (!exchange.ended) this.sendBody(stream);
    }
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
    const unsent = isUnreachable(problem);
    if (unsent && this.tryAnother(upstream)) return;
    this.fail(problem, unsent);
  }

  requestData(chunk: Uint8Array): boolean {
    // What comes behind a complete answer is read and dropped.
    if (this.over) return true;
    this.route?.requestFrame(this.grpc, chunk.length);
    const body = this.body ??= new RequestBody();
    if (this.stream !== null) {
      return body.pass(this.stream, chunk, this.keepsBody());
    }
    body.hold(chunk);
    return false;
  }

  requestEnd(trailers: readonly Field[]): void {
    this.requestDone = true;
    if (this.over) return;
    this.sentMs = performance.now();
    const body = this.body ??= new RequestBody();
    if (this.stream === null) body.holdEnd(trailers);
    else body.passEnd(this.stream, trailers, this.keepsBody());
  }

  private sendBody(stream: ClientStream): void {
    // Otherwise `requestDrain` resumes, or nothing more comes.
    if (this.body?.sendOn(stream, this.keepsBody()) ?? true) {
      this.exchange.resumeRequest();
    }
  }

  /** Until an endpoint's proxy has answered: it alone can say that its application got nothing. */
  private keepsBody(): boolean {
    return this.status === 0 && this.isMeshed();
  }

  private isMeshed(): boolean {
    return (this.upstream?.endpoint.identity ?? null) !== null;
  }

  requestReset(reset: Reset): void {
    if (this.over) return;
    this.requestDone = true;
    if (this.waiter !== null) this.lane?.withdraw(this.waiter);
    this.stream?.reset(CANCEL);
    this.tell("cancelled");
    this.finish(reset);
  }

  requestDrain(): void {
    this.exchange.resumeRequest();
  }

  responseDrain(): void {
    this.stream?.resumeResponse();
  }

  responseInformational(head: ResponseHead): void {
    if (this.over) return;
    this.direction.toClient(head, this.exchange.head);
    this.exchange.respond(head, false);
  }

  responseHead(head: ResponseHead, ended: boolean): void {
    if (this.over) return;
    const { upstream, exchange } = this;
    if (ended && upstream !== null && this.isMeshed() && saysUnsent(head)) {
      if (this.tryAnother(upstream)) return;
    }
    this.body?.forget();
    this.status = head.status;
    this.leaveFlight();
    if (this.grpc) this.grpcStatus = grpcStatusOf(head.fields);
    this.head = head;
    if (!this.grpc || this.grpcStatus !== null) this.tell(null);
    this.direction.toClient(head, exchange.head);
    if (this.lane !== null && this.lane.filters !== null) {
      applyToResponse(this.lane.filters, head);
    }
    if (this.way !== null && this.way.payload.filters !== null) {
      applyToResponse(this.way.payload.filters, head);
    }
    exchange.respond(head, ended);
    if (exchange.head.upgrade && isSwitch(exchange.head, head.status)) {
      this.tunnel();
    } else if (ended) this.finish(null);
  }

  responseData(chunk: Uint8Array): boolean {
    this.observeFirstFrame();
    this.lane?.metrics.responseFrame(this.grpc, chunk.length);
    return this.exchange.data(chunk);
  }

  responseEnd(trailers: readonly Field[]): void {
    if (this.over) return;
    this.head = null;
    if (this.grpc && this.grpcStatus === null) {
      this.grpcStatus = grpcStatusOf(trailers);
    }
    this.exchange.end(trailers);
    this.finish(null);
  }

  responseReset(reset: Reset): void {
    if (this.over) return;
    if (this.status > 0) {
      this.exchange.reset(reset);
      this.tell("broken");
      return this.finish(reset);
    }
    const { head, ended } = this.exchange;
    if (
      this.sentAgain < MAX_SENT_AGAIN && this.isWhole() &&
      mayGoAgain(head, !ended, reset, this.reused, this.sentAgain)
    ) {
      // Its connection was going, or lost: no word on how it answers.
      this.letGo("cancelled");
      return this.choose();
    }
    if (this.multiplexed && reset.origin === "peer") {
      this.exchange.reset(reset);
      this.tell("broken");
      return this.finish(reset);
    }
    this.fail(
      new Problem(
        "connect.failed",
        `connection to the endpoint failed: ${reset.message}`,
      ),
    );
  }

  /** The application got nothing, so another endpoint may have the request; false when there is no other. */
  private tryAnother(refused: Upstream): boolean {
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
  private isWhole(): boolean {
    return this.body?.whole ?? true;
  }

  private letGo(failure: "unsent" | "cancelled"): void {
    this.sentAgain += 1;
    if (!this.requestDone) this.stream?.reset(ANSWERED);
    this.stream = null;
    this.leaveUpstream(failure);
  }

  /** Answers in place of the upstream; below the metrics of the endpoint, when one had been chosen. */
  private fail(problem: Problem, unsent = false): void {
    if (this.over) return;
    this.problem = problem;
    if (this.upstream !== null || !isEndedByUs(problem)) {
      const { status, grpc } = statusOf(problem);
      this.status = status;
      if (this.grpc) this.grpcStatus = String(grpc);
    }
    const { grpc, direction, exchange } = this;
    const { head, close } = answerOf(problem, grpc, direction, unsent);
    this.tell(unsent ? "unsent" : "broken");
    // One failure is no reason to end a connection that carries other requests.
    if (close && !this.multiplexed) exchange.closeAfter();
    exchange.respond(head, true);
    this.finish(null);
  }

  private tunnel(): void {
    const { stream } = this;
    if (stream === null) return;
    const client = this.exchange.upgrade();
    const server = stream.upgrade();
    relay(client, server, () => {});
    this.finish(null);
  }

  private leaveFlight(): void {
    if (this.inFlight) this.direction.inFlight.count -= 1;
    this.inFlight = false;
  }

  private finish(reset: Reset | null): void {
    if (this.over) return;
    this.over = true;
    this.leaveFlight();
    if (!this.requestDone) {
      // RFC 9113 8.1: otherwise the upstream would wait for a rest that nobody sends, and the client to send it.
      this.stream?.reset(ANSWERED);
      this.exchange.resumeRequest();
    }
    this.endAttempt(reset);
    const tookMs = performance.now() - this.startedMs;
    this.route?.finished(this.grpc, this, tookMs);
  }
}
