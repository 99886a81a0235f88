import type { Problem } from "../../schemas/problem.ts";
import type { Outcome } from "../balance/outcome.ts";
import type { Ending, Lane, RouteMetrics, Way } from "../direction.ts";
import type { Upstream } from "../endpoint.ts";
import type { RequestHead, Reset, ResponseHead } from "../http/message.ts";
import { classify } from "../record/classify.ts";
import { type Sight, tapRequest } from "../tap/sight.ts";
import type { Tapped } from "../tap/tapped.ts";
import type { EndSpan } from "../trace/request-trace.ts";

/** What is known of a request while it is carried, and who is told of it. A class, and the base of one, for each request has one. */
export class Tally implements Ending, Outcome {
  readonly grpc: boolean;
  protected readonly startedMs: number;
  /** Null until it has a route. */
  protected way: Way | null = null;
  protected route: RouteMetrics | null = null;
  protected lane: Lane | null = null;
  protected upstream: Upstream | null = null;
  /** Null when no tap shows what goes to the upstream. */
  protected tapped: Tapped | null = null;
  /** When the upstream was chosen: waiting for one is no fault of its. */
  dispatchedMs: number;
  /** When the request was completely sent; 0 until then. */
  protected sentMs = 0;
  /** 0 until the response head. */
  status = 0;
  grpcStatus: string | null = null;
  reset: Reset | null = null;
  problem: Problem | null = null;
  failure: Outcome["failure"] = null;
  /** The response's, as long as nothing of it has followed. */
  head: ResponseHead | null = null;
  private counted = false;
  answeredAfterMs = 0;
  private firstFrame = false;
  /** The upstream has heard how it went. */
  private told = false;
  /** The upstream has put that on its load. */
  private weighed = false;
  /** Ends the span of the attempt under way, when there is one. */
  protected endSpan: EndSpan | null = null;

  constructor(grpc: boolean, nowMs: number) {
    this.grpc = grpc;
    this.startedMs = nowMs;
    this.dispatchedMs = nowMs;
  }

  /** It is meant for this upstream now; taps of `sight` are shown it. */
  protected beginAttempt(
    upstream: Upstream,
    outgoing: RequestHead,
    sight: Sight | null,
  ): void {
    this.upstream = upstream;
    upstream.load.pending += 1;
    if (outgoing.trace !== null) {
      this.endSpan = outgoing.trace.attempt(outgoing);
    }
    if (sight === null || sight.taps.wanting.length === 0) return;
    const labels = this.way?.payload.labels ?? null;
    const { peer } = upstream;
    this.tapped = tapRequest(sight, outgoing, peer, labels, this.grpc);
  }

  /** A request counts once, however often it is sent. */
  protected count(upstream: Upstream): void {
    if (this.counted) return;
    this.counted = true;
    upstream.recorder.requests.value += 1;
    this.lane?.metrics.dispatched(this.grpc);
  }

  protected observeFirstFrame(): void {
    const { upstream } = this;
    if (this.firstFrame || upstream === null) return;
    this.firstFrame = true;
    this.head = null;
    const nowMs = performance.now();
    this.answeredAfterMs = nowMs - this.startedMs;
    const elapsedMs = nowMs - this.dispatchedMs;
    upstream.recorder.latency(this.status).observe(elapsedMs);
    upstream.load.pending -= 1;
    if (!this.weighed) upstream.load.sample(elapsedMs, nowMs);
  }

  /** Tells the upstream how it went, once. */
  protected tell(failure: Outcome["failure"]): void {
    const { upstream } = this;
    if (this.told || upstream === null) return;
    this.told = true;
    this.failure = failure;
    this.weighed = upstream.outcome(this);
  }

  /** Another upstream is to be tried: this one got nothing, or lost it. */
  protected leaveUpstream(failure: Outcome["failure"]): void {
    this.tell(failure);
    this.closeSpan();
    this.leaveTaps();
    if (this.upstream !== null) this.upstream.load.pending -= 1;
    this.upstream = null;
    this.dispatchedMs = performance.now();
    this.told = false;
    this.weighed = false;
  }

  private leaveTaps(): void {
    this.tapped?.given();
    this.tapped = null;
  }

  /** The same request is sent once more, and counts once more. */
  protected beginAgain(): void {
    this.upstream = null;
    this.status = 0;
    this.grpcStatus = this.reset = this.problem = null;
    this.failure = this.head = null;
    this.counted =
      this.firstFrame =
      this.told =
      this.weighed =
        false;
  }

  private closeSpan(): void {
    this.endSpan?.(this.status, this.reset === null);
    this.endSpan = null;
  }

  /** Counts how the request went at its upstream, if it had come to one. */
  protected endAttempt(reset: Reset | null): void {
    const { upstream, status, grpc, grpcStatus } = this;
    this.reset = reset;
    this.closeSpan();
    this.leaveTaps();
    if (upstream === null) return;
    const judge = this.way?.payload.judge ?? classify;
    this.tell(this.failure);
    this.count(upstream);
    this.observeFirstFrame();
    upstream.recorder.response(
      status,
      judge({
        grpc,
        status,
        grpcStatus,
        error: this.failure === "timeout" ? "timeout" : reset,
      }),
    );
    const nowMs = performance.now();
    this.lane?.metrics.ended(
      grpc,
      this,
      nowMs - this.startedMs,
      this.sentMs === 0 ? 0 : nowMs - this.sentMs,
    );
  }
}
