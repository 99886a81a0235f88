import { PeakEwma } from "../balance/peak-ewma.ts";
import type { Waiter } from "../balance/failfast.ts";
import type { Outcome } from "../balance/outcome.ts";
import type { Direction, Ending, Lane, Passage, Way } from "../direction.ts";
import type { Upstream } from "../endpoint.ts";
import { forward } from "../forward.ts";
import { ONCE, type Terms } from "../forward/terms.ts";
import type { Lease } from "../http/http1-pool.ts";
import type { RequestHead, ResponseHead } from "../http/message.ts";
import { serveHttp1 } from "../http1/server.ts";
import { connectHttp2 } from "../http2/client.ts";
import { serveHttp2 } from "../http2/server.ts";
import { classify } from "../record/classify.ts";
import { createRegistry } from "../record.ts";
import { createFamilies } from "../record/families.ts";
import { HttpRecorder } from "../record/http.ts";
import { pageOf } from "../record/testing/page.ts";
import type { Problem } from "../../schemas/problem.ts";
import { peerAt } from "./endpoints.ts";
import { FakeConnection, type FakeRequest } from "./fake-connection.ts";
import { createMemoryChannels } from "./memory-channel.ts";
import { Recorder } from "./recorder.ts";

/** An upstream whose connections the test hands out and answers. */
export class FakeUpstream implements Upstream {
  endpoint: Upstream["endpoint"] = { identity: null };
  peer: Upstream["peer"] = peerAt("10.0.0.1");
  readonly ready = true;
  readonly load = new PeakEwma(30, 10_000, performance.now());
  readonly recorder: HttpRecorder;
  /** Requests that want a connection, oldest first. */
  readonly asked: { head: RequestHead; fresh: boolean; lease: Lease }[] = [];
  /** What it was told of how requests went: the failure, the gRPC status, or the status. */
  readonly outcomes: (string | number)[] = [];
  readonly connection = new FakeConnection({
    ready() {},
    retiring() {},
    closed() {},
  });

  constructor(recorder: HttpRecorder) {
    this.recorder = recorder;
  }

  upgrades(): boolean {
    return false;
  }

  acquire(head: RequestHead, fresh: boolean, lease: Lease): void {
    this.asked.push({ head, fresh, lease });
  }

  outcome(outcome: Outcome): boolean {
    const { status, grpcStatus, failure } = outcome;
    this.outcomes.push(failure ?? grpcStatus ?? status);
    return false;
  }

  close(): void {}

  /** Gives the connection to the oldest; null when it is no longer wanted. */
  give(reused = false): FakeRequest | null {
    const before = this.connection.requests.length;
    this.asked.shift()?.lease.use(this.connection, reused);
    return this.connection.requests[before] ?? null;
  }

  refuse(problem: Problem): void {
    this.asked.shift()?.lease.refuse(problem);
  }
}

/** A direction whose upstreams, waits and counters a test sees. */
export class ForwardBed implements Direction {
  readonly informational = true;
  tellsUnsent = false;
  sight: Direction["sight"] = null;
  readonly inFlight = { count: 0, max: 3 };
  readonly problems: Problem[] = [];
  /** How attempts ended, and requests. */
  readonly endings: Ended[] = [];
  readonly finished: Ended[] = [];
  /** What was counted, in order. */
  readonly counted: string[] = [];
  readonly waiting = new Set<Waiter<Upstream>>();
  /** What `pick` gives, in this order and again from the start. */
  upstreams: FakeUpstream[] = [];
  /** What `toUpstream` throws. */
  forbids: Problem | null = null;
  private picks = 0;
  private readonly registry = createRegistry({ retainIdleMs: 1_000 });
  private readonly families = createFamilies(this.registry);

  /** The one backend of the one rule; a test may put others in its place. */
  lane: Mutable<Lane> = {
    place: "",
    closed: false,
    ready: true,
    filters: null,
    pick: () => this.pick(),
    at: () => null,
    wait: (waiter) => void this.waiting.add(waiter),
    withdraw: (waiter) => void this.waiting.delete(waiter),
    metrics: {
      dispatched: () => void this.counted.push("dispatched"),
      responseFrame: (_grpc, bytes) =>
        void this.counted.push(`response ${bytes}`),
      ended: (_grpc, ending) => void this.endings.push(endingOf(ending)),
    },
  };
  /** Under which requests are sent. */
  terms: Terms = ONCE;
  readonly passage: Mutable<Passage> = {
    labels: null,
    choose: () => this.lane,
    filters: null,
    terms: () => this.terms,
    judge: classify,
    metrics: () => ({
      retried: (_grpc, event) => void this.counted.push(`retry ${event}`),
      requestFrame: (_grpc, bytes) =>
        void this.counted.push(`request ${bytes}`),
      finished: (_grpc, ending) => void this.finished.push(endingOf(ending)),
    }),
  };
  /** What `route` gives. */
  way: Way | Problem = { payload: this.passage, path: { kind: "any" } };

  /** Adds an endpoint of this name. */
  add(name: string): FakeUpstream {
    const labels = `endpoint="${name}"`;
    const upstream = new FakeUpstream(
      new HttpRecorder(this.families.http, labels),
    );
    this.upstreams.push(upstream);
    return upstream;
  }

  route(): Way | Problem {
    return this.way;
  }

  private pick(): Upstream | null {
    if (this.upstreams.length === 0) return null;
    return this.upstreams[this.picks++ % this.upstreams.length] ?? null;
  }

  toUpstream(head: RequestHead): RequestHead {
    if (this.forbids !== null) throw this.forbids;
    return head;
  }

  toClient(_head: ResponseHead): void {}

  failed(problem: Problem): void {
    this.problems.push(problem);
  }

  /** `request_total`, `response_total` and latencies observed, over all endpoints. */
  totals(): [requests: number, responses: number, latencies: number] {
    const lines = pageOf(this.registry, 0).split("\n");
    const sum = (start: string) =>
      lines.filter((line) => line.startsWith(start))
        .reduce((all, line) => all + Number(line.split(" ").at(-1)), 0);
    return [
      sum("request_total{"),
      sum("response_total{"),
      sum("response_latency_ms_count{"),
    ];
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** How it ended, but not when. */
type Ended = Omit<Ending, "answeredAfterMs">;

/** As it is now; the object is used for what comes after. */
function endingOf({ status, grpcStatus, reset, problem }: Ending): Ended {
  return { status, grpcStatus, reset, problem };
}

/** An HTTP/1 client in front of `bed`. */
export function openHttp1(bed: ForwardBed): Recorder {
  const [near, far] = createMemoryChannels();
  serveHttp1(far, {}, (exchange) => forward(exchange, bed));
  return new Recorder(near);
}

/** An HTTP/2 client in front of `bed`. */
export function openHttp2(
  bed: ForwardBed,
): ReturnType<typeof connectHttp2> {
  const [near, far] = createMemoryChannels();
  serveHttp2(far, {}, (exchange) => forward(exchange, bed));
  return connectHttp2(near, {}, { ready() {}, retiring() {}, closed() {} });
}
