import { Problem } from "../schemas/problem.ts";
import type { Direction } from "./direction.ts";
import {
  ANSWERED,
  answerOf,
  asTrailers,
  CANCEL,
  grpcStatusOf,
  isSwitch,
} from "./forward/answer.ts";
import { type Limit, TIMED_OUT, timeoutOf } from "./forward/deadlines.ts";
import { filterResponse } from "./forward/filters.ts";
import { MAX_SENT_AGAIN, mayGoAgain } from "./forward/send-again.ts";
import { Sender } from "./forward/sender.ts";
import type { Field } from "./http/field.ts";
import {
  ErrorCode,
  type Exchange,
  type RequestReader,
  type Reset,
  type ResponseHead,
  type ResponseReader,
} from "./http/message.ts";
import { saysUnsent } from "./http/unsent.ts";
import { isEndedByUs } from "./record/ending.ts";
import { relay } from "./relay.ts";
import { statusOf } from "./rescue.ts";

/** Carries one request to an upstream and its response back. */
export function forward(exchange: Exchange, direction: Direction): void {
  new Forward(exchange, direction).start();
}

/** The same once `ready` calls back; nothing of the request is lost until then. */
export function forwardWhen(
  exchange: Exchange,
  direction: Direction,
  ready: (start: () => void) => void,
): void {
  const request = new Forward(exchange, direction);
  if (!exchange.ended) exchange.pauseRequest();
  ready(() => request.start());
}

class Forward extends Sender implements RequestReader, ResponseReader {
  /** Whether the client speaks HTTP/2: resets can be passed on, and its connection carries other requests too. */
  private readonly multiplexed: boolean;

  constructor(exchange: Exchange, direction: Direction) {
    super(exchange, direction);
    this.multiplexed = exchange.head.version === "2";
    exchange.reader = this;
  }

  requestReset(reset: Reset): void {
    if (this.over) return;
    this.requestDone = true;
    this.stopWaiting();
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
    this.deadlines?.active();
    this.direction.toClient(head, this.exchange.head);
    this.exchange.respond(head, false);
  }

  responseHead(head: ResponseHead, ended: boolean): void {
    if (this.over) return;
    const { upstream, exchange } = this;
    if (ended && upstream !== null && this.isMeshed() && saysUnsent(head)) {
      if (this.tryAnother(upstream)) return;
    }
    const grpcStatus = this.grpc ? grpcStatusOf(head.fields) : null;
    if (this.retries !== null && this.retryAnswer(head, grpcStatus)) return;
    this.body?.forget();
    this.status = head.status;
    this.grpcStatus = grpcStatus;
    this.leaveFlight();
    this.deadlines?.answered();
    this.head = head;
    if (!this.grpc || this.grpcStatus !== null) this.tell(null);
    this.direction.toClient(head, exchange.head);
    filterResponse(head, this.way, this.lane);
    exchange.respond(head, ended);
    if (exchange.head.upgrade && isSwitch(exchange.head, head.status)) {
      this.tunnel();
    } else if (ended) this.finish(null);
  }

  responseData(chunk: Uint8Array): boolean {
    if (this.over) return true;
    this.deadlines?.active();
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
    if (this.status > 0) return this.passOn(reset);
    const { head, ended } = this.exchange;
    if (
      this.sentAgain < MAX_SENT_AGAIN && this.isWhole() &&
      mayGoAgain(head, !ended, reset, this.reused, this.sentAgain)
    ) {
      // Its connection was going, or lost: no word on how it answers.
      this.letGo("cancelled");
      return this.choose();
    }
    if (reset.code === ErrorCode.refusedStream && this.goAgain(reset)) return;
    if (this.multiplexed && reset.origin === "peer") return this.passOn(reset);
    this.fail(
      new Problem(
        "connect.failed",
        `connection to the endpoint failed: ${reset.message}`,
      ),
    );
  }

  /** The client's stream ends as the upstream's did. */
  private passOn(reset: Reset): void {
    this.exchange.reset(reset);
    this.tell("broken");
    this.finish(reset);
  }

  get heedsTrailers(): boolean {
    return this.grpc && this.requestDone && (this.retries?.left ?? false);
  }

  retryEnded(head: ResponseHead, trailers: readonly Field[]): boolean {
    return this.retryAnswer(head, grpcStatusOf(trailers));
  }

  /** Goes on to another attempt if this answer is to be had again; the request must be complete, and all of it kept. */
  private retryAnswer(head: ResponseHead, grpcStatus: string | null): boolean {
    const { retries } = this;
    if (retries === null || !retries.terms.wants(head.status, grpcStatus)) {
      return false;
    }
    this.status = head.status;
    this.grpcStatus = grpcStatus;
    this.head = head;
    return this.requestDone && this.goAgain(null);
  }

  /** The same for a failure of ours: `status` and `grpc` are what it would be answered with. */
  private retryFailure(problem: Problem, unsent: boolean): boolean {
    const { retries, upstream, grpc } = this;
    if (retries === null) return false;
    const as = statusOf(problem);
    const grpcStatus = grpc ? String(as.grpc) : null;
    const wanted = upstream === null
      ? problem.code === "failfast"
      : retries.terms.wants(as.status, grpcStatus);
    if (!wanted) return false;
    this.status = as.status;
    this.grpcStatus = grpcStatus;
    this.failure = unsent ? "unsent" : "broken";
    return this.goAgain(null);
  }

  /** Leaves what has failed for another attempt, if there may be one and somebody can take it at once. */
  private goAgain(reset: Reset | null): boolean {
    const { retries, way, body } = this;
    if (retries === null || way === null) return false;
    const lane = retries.laneForAnother(way, body);
    if (lane === null) return false;
    this.endAttempt(reset);
    this.attempt?.leave();
    this.attempt = this.stream = null;
    this.deadlines?.leave();
    this.beginAgain();
    retries.next(lane, Math.random, (lane) => {
      this.dispatchedMs = performance.now();
      this.choose(lane);
    });
    return true;
  }

  protected expired(limit: Limit, afterMs: number): void {
    if (this.over) return;
    const problem = this.problem = timeoutOf(limit, afterMs);
    this.tell("timeout");
    if (limit === "attemptMs" && this.goAgain(null)) return;
    this.stopWaiting();
    const { exchange, grpc } = this;
    const { head } = this.answer(problem, false);
    this.stream?.reset(TIMED_OUT);
    if (this.status === 0) {
      exchange.respond(head, true);
      return this.finish(null);
    }
    if (grpc) {
      const trailers = asTrailers(head);
      this.grpcStatus = grpcStatusOf(trailers);
      exchange.end(trailers);
    } else exchange.reset(TIMED_OUT);
    this.finish(TIMED_OUT);
  }

  /** For an upstream that is ready. */
  private stopWaiting(): void {
    if (this.waiter !== null) this.lane?.withdraw(this.waiter);
  }

  /** Answers in place of the upstream; below the metrics of the endpoint, when one had been chosen. */
  protected fail(problem: Problem, unsent = false): void {
    if (this.over || this.retryFailure(problem, unsent)) return;
    this.problem = problem;
    if (this.upstream !== null || !isEndedByUs(problem)) {
      const { status, grpc } = statusOf(problem);
      this.status = status;
      if (this.grpc) this.grpcStatus = String(grpc);
    }
    const { exchange } = this;
    const { head, close } = this.answer(problem, unsent);
    this.tell(unsent ? "unsent" : "broken");
    // One failure is no reason to end a connection that carries other requests.
    if (close && !this.multiplexed) exchange.closeAfter();
    exchange.respond(head, true);
    this.finish(null);
  }

  /** Our answer, as taps are shown it too. */
  private answer(problem: Problem, unsent: boolean) {
    const place = this.lane?.place ?? "";
    const answer = answerOf(problem, this.grpc, this.direction, place, unsent);
    this.tapped?.instead(answer.head);
    return answer;
  }

  private tunnel(): void {
    const { stream } = this;
    if (stream === null) return;
    const client = this.exchange.upgrade();
    const server = stream.upgrade();
    relay(client, server, () => {});
    this.finish(null);
  }

  protected finish(reset: Reset | null): void {
    if (this.over) return;
    this.over = true;
    this.leaveFlight();
    this.deadlines?.stop();
    if (!this.requestDone) {
      // RFC 9113 8.1: otherwise the upstream would wait for a rest that nobody sends, and the client to send it.
      this.stream?.reset(ANSWERED);
      this.exchange.resumeRequest();
    }
    this.endAttempt(reset);
    this.retries?.stop(this);
    const tookMs = performance.now() - this.startedMs;
    this.route?.finished(this.grpc, this, tookMs);
  }
}
