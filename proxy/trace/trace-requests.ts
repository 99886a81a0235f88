import type { ServeRequest } from "../http/message.ts";
import { findContext } from "./propagation.ts";
import { RequestTrace, type Tracing } from "./request-trace.ts";
import type { Side } from "./span.ts";
import { TracedExchange } from "./traced-exchange.ts";

/** Has the requests that belong to traces take part in them, under a span each; without tracing `serve` stays as it is. */
export function traceRequests(
  tracing: Tracing | undefined,
  side: Side,
  serve: ServeRequest,
): ServeRequest {
  if (tracing === undefined) return serve;
  return (exchange) => {
    const { head } = exchange;
    const context = findContext(head.fields);
    if (context === null) return serve(exchange);
    const trace = head.trace = new RequestTrace(tracing, context, side);
    const end = trace.arrive(head);
    serve(end === null ? exchange : new TracedExchange(exchange, end));
  };
}
