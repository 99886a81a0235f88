import { Problem } from "../schemas/problem.ts";
import type { Waiter } from "./balance/failfast.ts";
import type { Direction, Ending } from "./direction.ts";
import type { Upstream } from "./endpoint.ts";
import { type Field, Name } from "./http/field.ts";
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
import { classify } from "./record/classify.ts";
import { relay } from "./relay.ts";
import { isGrpc, rescue, statusOf } from "./rescue.ts";

const GRPC_STATUS = Name.of("grpc-status");
const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
]);
/** How often a request is sent again because the connection chosen for it turned out to be closing. */
const MAX_REDISPATCHES = 2;
const CANCEL: Reset = {
  code: ErrorCode.cancel,
  origin: "local",
  message: "the client gave up",
};

/** Carries one request to an upstream and its response back. */
export function forward(exchange: Exchange, direction: Direction): void {
  new Forward(exchange, direction).start();
}

/** Answers a request that goes nowhere. */
export function refuseExchange(
  exchange: Exchange,
  problem: Problem,
  informational: boolean,
): void {
  exchange.reader = NOBODY;
  exchange.respond(
    rescue(problem, { grpc: isGrpc(exchange.head) }, informational).head,
    true,
  );
}

const NOBODY: RequestReader = {
  requestData: () => true,
  requestEnd() {},
  requestReset() {},
  responseDrain() {},
};

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
  /** What of the body came before there was a stream to send it on: no more than a codec lets through while paused. */
  private early: {
    readonly chunks: Uint8Array[];
    trailers: readonly Field[] | null;
  } | null = null;
  private waiter: Waiter<Upstream> | null = null;
  private reused = false;
  private redispatches = 0;
  private bodySent = false;
  private sentMs = 0;
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
    this.upstream = upstream;
    upstream.load.pending += 1;
    this.outgoing = this.translate(upstream);
    if (this.outgoing !== null) {
      upstream.acquire(this.outgoing, this.redispatches > 0, this);
    }
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
      if (!exchange.ended) this.sendEarly(stream);
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
    if (this.over) return;
    if (this.upstream !== null) this.count(this.upstream);
    this.fail(problem);
  }

  requestData(chunk: Uint8Array): boolean {
    this.direction.metrics.requestFrame(this.grpc, chunk.length);
    if (this.stream === null) {
      (this.early ??= { chunks: [], trailers: null }).chunks.push(
        chunk.slice(),
      );
      return false;
    }
    this.bodySent = true;
    return this.stream.data(chunk);
  }

  requestEnd(trailers: readonly Field[]): void {
    this.sentMs = performance.now();
    if (this.stream === null) {
      (this.early ??= { chunks: [], trailers: null }).trailers = trailers;
      return;
    }
    this.bodySent = true;
    this.stream.end(trailers);
  }

  private sendEarly(stream: ClientStream): void {
    const { early } = this;
    this.early = null;
    let open = true;
    for (const chunk of early?.chunks ?? []) {
      this.bodySent = true;
      open = stream.data(chunk);
    }
    if (early !== null && early.trailers !== null) {
      this.bodySent = true;
      stream.end(early.trailers);
    } else if (open) {
      // Otherwise `requestDrain` resumes.
      this.exchange.resumeRequest();
    }
  }

  requestReset(reset: Reset): void {
    if (this.over) return;
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
    if (this.mayRedispatch(reset)) return this.redispatch();
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

  /** A request that the peer surely has not worked on, and whose body we still have, may go out again. */
  private mayRedispatch(reset: Reset): boolean {
    if (
      this.redispatches >= MAX_REDISPATCHES ||
      (!this.exchange.ended && this.bodySent)
    ) return false;
    if (reset.code === ErrorCode.refusedStream) return true;
    return this.reused && this.exchange.ended && reset.origin === "io" &&
      IDEMPOTENT.has(this.exchange.head.method.text);
  }

  private redispatch(): void {
    this.redispatches += 1;
    this.stream = null;
    if (this.upstream !== null) this.upstream.load.pending -= 1;
    this.upstream = null;
    this.choose();
  }

  /** Answers in place of the upstream; below the metrics of the endpoint, when one had been chosen. */
  private fail(problem: Problem): void {
    if (this.over) return;
    this.status = statusOf(problem);
    this.answer(problem);
    this.finish(null);
  }

  private answer(problem: Problem): void {
    const { head, close } = rescue(
      problem,
      { grpc: this.grpc },
      this.direction.informational,
    );
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
    const elapsedMs = nowMs - this.startedMs;
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
    if (upstream === null) return;
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
  for (const field of fields) if (field.name === GRPC_STATUS) return field.text;
  return null;
}
