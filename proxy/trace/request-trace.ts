import type { RequestHead } from "../http/message.ts";
import { requestAttributes, spanName } from "./attributes.ts";
import { newSpanId, type TraceContext } from "./context.ts";
import { endSpan, type OpenSpan, type Side, type Span } from "./span.ts";

/** What the spans of all requests share. */
export interface Tracing {
  /** Takes a span that has ended; never waits. */
  readonly ended: (span: Span) => void;
  /** Milliseconds since 1970, with fractions. */
  readonly now: () => number;
  readonly random: () => number;
}

/** A request's part in a trace: kept with its head, as long as it is carried. */
export class RequestTrace {
  readonly sampled: boolean;
  private readonly tracing: Tracing;
  private readonly context: TraceContext;
  /** A gateway's requests come in on one side and leave on the other. */
  side: Side;
  /** That of the span of the request's coming; spans of its being sent are below it. */
  private readonly spanId: string;

  constructor(tracing: Tracing, context: TraceContext, side: Side) {
    this.tracing = tracing;
    this.context = context;
    this.side = side;
    this.sampled = context.sampled;
    this.spanId = newSpanId(tracing.random);
  }

  /** Puts our own span into the request; it can be ended, when the trace is sampled. */
  arrive(head: RequestHead): EndSpan | null {
    const { context, spanId } = this;
    context.propagation.write(head.fields, spanId, context.spanId);
    return this.sampled
      ? this.begin("server", head, spanId, context.spanId)
      : null;
  }

  /** The same for one attempt to send it: each has a span of its own. */
  attempt(head: RequestHead): EndSpan | null {
    const { context, spanId } = this;
    const ownId = newSpanId(this.tracing.random);
    context.propagation.write(head.fields, ownId, spanId);
    return this.sampled ? this.begin("client", head, ownId, spanId) : null;
  }

  private begin(
    kind: Span["kind"],
    head: RequestHead,
    spanId: string,
    parentId: string,
  ): EndSpan {
    const { tracing, context, side } = this;
    const open: OpenSpan = {
      traceId: context.traceId,
      spanId,
      parentId,
      kind,
      name: spanName(head),
      startMs: tracing.now(),
      attributes: requestAttributes(head, side),
    };
    let over = false;
    return (status, complete) => {
      if (over) return;
      over = true;
      tracing.ended(endSpan(open, status, complete, tracing.now()));
    };
  }
}

/** Ends a span, once; `status` is 0 when there was no response, `complete` false when not all of one. */
export type EndSpan = (status: number, complete: boolean) => void;
