import { FollowedExchange } from "../http/followed-exchange.ts";
import type { Exchange } from "../http/message.ts";
import type { EndSpan } from "./request-trace.ts";

/** An exchange whose end is that of a span. */
export class TracedExchange extends FollowedExchange {
  readonly #end: EndSpan;

  constructor(inner: Exchange, end: EndSpan) {
    super(inner);
    this.#end = end;
  }

  protected over(complete: boolean): void {
    this.#end(this.status, complete);
  }
}
