import { Problem } from "../schemas/problem.ts";
import type { Waiter } from "./balance/failfast.ts";
import type { Direction, Ending } from "./direction.ts";
import type { Upstream } from "./endpoint.ts";
import {
  isUnreachable,
  MAX_SENT_AGAIN,
  mayGoAgain,
  UNREACHABLE_RTT_MS,
} from "./forward/send-again.ts";
import { RequestBody } from "./forward/request-body.ts";
import { type Field, Name } from "./http/field.ts";
import { findField } from "./http/fields.ts";
import type { Lease } from "./http/http1-pool.ts";
import {
  type ClientConnection,
  type ClientStream,
  ErrorCode,
  type Exchange,
  type RequestHead,
  type RequestReader,
  type Reset,
  type ResponseHead,
  type ResponseReader,
} from "./http/message.ts";
import { saysUnsent, UNSENT_MARK } from "./http/unsent.ts";
import { classify } from "./record/classify.ts";
import { relay } from "./relay.ts";
import { isGrpc, rescue, statusOf } from "./rescue.ts";

const GRPC_STATUS = Name.of("grpc-status");
const CANCEL: Reset = {
  code: ErrorCode.cancel,
  origin: "local",
  message: "the client gave up",
};
const ANSWERED: Reset = {
  ...CANCEL,
  message: "the response was complete before the request",
};

/** Carries one request to an upstream and its response back. */
export function forward(exchange: Exchange, direction: Direction): void {
  new Forward(exchange, direction).start();
}

class Forward implements RequestReader, ResponseReader, Lease, Ending {
  private readonly exchange: Exchange;
  private readonly direction: Direction;
  private readonly startedMs = performance.now();
  /** Whether the client speaks HTTP/2: resets can be passed on, and its connection carries other requests too. */
  private readonly multiplexed: boolean;
  private readonly grpc: boolean;
  private upstream: Upstream | null = null;
  /** The request as the upstream gets it. */
  private outgoing: RequestHead | null = null;
  private stream: ClientStream | null = null;
  /** Null as long as nothing of one has come. */
  private body: RequestBody | null = null;
  private waiter: Waiter<Upstream> | null = null;
  private reused = false;
  private sentAgain = 0;
  private sentMs = 0;
  /** When the upstream was chosen: waiting for one is no fault of its. */
  private dispatchedMs = this.startedMs;
  /** True once nothing more of the request can come. */
  private requestDone: boolean;
  /** 0 until the response head. */
  status = 0;
  grpcStatus: string | null = null;
  reset: Reset | null = null;
  private counted = false;
  private inFlight = false;
  private firstFrame = false;
  private over = false;

  constructor(exchange: Exchange, direction: Direction) {
    this.exchange = exchange;
    this.direction = direction;
    this.multiplexed = exchange.head.version === "2";
    this.grpc = isGrpc(exchange.head);
    this.requestDone = exchange.ended;
    exchange.reader = this;
  }

  start(): void {
    const { inFlight } = this.direction;
    if (inFlight.count >= inFlight.max) {
      this.over = true;
      return this.answer(
        new Problem(
          "loadshed",
          `${inFlight.count} requests are in flight already`,
        ),
      );
    }
    inFlight.count += 1;
    this.inFlight = true;
    // Released in `use`: nothing of the body may arrive before there is somewhere to send it.
    if (!this.exchange.ended) this.exchange.pauseRequest();
    this.choose();
  }

  private choose(): void {
    const upstream = this.direction.pick();
    if (upstream !== null) return this.dispatch(upstream);
    this.waiter = {
      use: (ready) => {
        this.waiter = null;
        this.dispatchedMs = performance.now();
        this.dispatch(ready);
      },
      refuse: (problem) => {
        this.waiter = null;
        this.fail(problem);
      },
    };
    this.direction.wait(this.waiter);
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
      return this.direction.toUpstream(this.exchange.head, upstream);
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
    this.direction.metrics.requestFrame(this.grpc, chunk.length);
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
    if (this.waiter !== null) this.direction.withdraw(this.waiter);
    this.stream?.reset(CANCEL);
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
    const { upstream } = this;
    if (ended && upstream !== null && this.isMeshed() && saysUnsent(head)) {
      if (this.tryAnother(upstream)) return;
    }
    this.body?.forget();
    this.status = head.status;
    this.leaveFlight();
    if (this.grpc) this.grpcStatus = grpcStatusOf(head.fields);
    this.direction.toClient(head, this.exchange.head);
    this.exchange.respond(head, ended);
    if (
      this.exchange.head.upgrade && isSwitch(this.exchange.head, head.status)
    ) this.tunnel();
    else if (ended) this.finish(null);
  }

  responseData(chunk: Uint8Array): boolean {
    this.observeFirstFrame();
    this.direction.metrics.responseFrame(this.grpc, chunk.length);
    return this.exchange.data(chunk);
  }

  responseEnd(trailers: readonly Field[]): void {
    if (this.over) return;
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
      return this.finish(reset);
    }
    const { head, ended } = this.exchange;
    if (
      this.sentAgain < MAX_SENT_AGAIN && this.isWhole() &&
      mayGoAgain(head, !ended, reset, this.reused, this.sentAgain)
    ) {
      this.letGo();
      return this.choose();
    }
    if (this.multiplexed && reset.origin === "peer") {
      this.exchange.reset(reset);
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
    if (this.sentAgain >= MAX_SENT_AGAIN || !this.isWhole()) return false;
    const other = this.direction.pick();
    if (other === refused) return false;
    this.letGo();
    if (other === null) this.choose();
    else this.dispatch(other);
    return true;
  }

  /** Whether there is all of it to send again. */
  private isWhole(): boolean {
    return this.body?.whole ?? true;
  }

  private letGo(): void {
    this.sentAgain += 1;
    this.dispatchedMs = performance.now();
    if (!this.requestDone) this.stream?.reset(ANSWERED);
    this.stream = null;
    if (this.upstream !== null) this.upstream.load.pending -= 1;
    this.upstream = null;
  }

  /** Answers in place of the upstream; below the metrics of the endpoint, when one had been chosen. */
  private fail(problem: Problem, unsent = false): void {
    if (this.over) return;
    this.status = statusOf(problem);
    this.answer(problem, unsent);
    this.finish(null);
  }

  private answer(problem: Problem, unsent = false): void {
    const { head, close } = rescue(
      problem,
      { grpc: this.grpc },
      this.direction.informational,
    );
    if (unsent && this.direction.tellsUnsent) head.fields.push(UNSENT_MARK);
    this.direction.failed(problem);
    // One failure is no reason to end a connection that carries other requests.
    if (close && !this.multiplexed) this.exchange.closeAfter();
    this.exchange.respond(head, true);
  }

  private tunnel(): void {
    const { stream } = this;
    if (stream === null) return;
    const client = this.exchange.upgrade();
    const server = stream.upgrade();
    relay(client, server, () => {});
    this.finish(null);
  }

  private observeFirstFrame(): void {
    const { upstream } = this;
    if (this.firstFrame || upstream === null) return;
    this.firstFrame = true;
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.dispatchedMs;
    upstream.recorder.latency(this.status).observe(elapsedMs);
    upstream.load.pending -= 1;
    upstream.load.sample(elapsedMs, nowMs);
  }

  /** A request counts once, however often it is sent. */
  private count(upstream: Upstream): void {
    if (this.counted) return;
    this.counted = true;
    upstream.recorder.requests.value += 1;
    this.direction.metrics.dispatched(this.grpc);
  }

  private leaveFlight(): void {
    if (this.inFlight) this.direction.inFlight.count -= 1;
    this.inFlight = false;
  }

  private finish(reset: Reset | null): void {
    if (this.over) return;
    this.over = true;
    this.reset = reset;
    const { upstream, status, grpc, grpcStatus } = this;
    this.leaveFlight();
    if (!this.requestDone) {
      // RFC 9113 8.1: otherwise the upstream would wait for a rest that nobody sends, and the client to send it.
      this.stream?.reset(ANSWERED);
      this.exchange.resumeRequest();
    }
    if (upstream === null) return;
    this.count(upstream);
    this.observeFirstFrame();
    upstream.recorder.response(
      status,
      classify({ grpc, status, grpcStatus, error: reset }),
    );
    const nowMs = performance.now();
    this.direction.metrics.ended(
      grpc,
      this,
      nowMs - this.startedMs,
      this.sentMs === 0 ? 0 : nowMs - this.sentMs,
    );
  }
}

function isSwitch(request: RequestHead, status: number): boolean {
  return status === 101 ||
    (request.method.text === "CONNECT" && status >= 200 && status < 300);
}

function grpcStatusOf(fields: readonly Field[]): string | null {
  return findField(fields, GRPC_STATUS)?.text ?? null;
}
