import type { Channel } from "../channel.ts";
import type { Field } from "../http/field.ts";
import type {
  Exchange,
  RequestHead,
  RequestReader,
  Reset,
  ResponseHead,
} from "../http/message.ts";
import type { EndSpan } from "./request-trace.ts";

/** An exchange whose end is that of a span. */
export class TracedExchange implements Exchange, RequestReader {
  readonly #inner: Exchange;
  readonly #end: EndSpan;
  #reader: RequestReader | null = null;
  #status = 0;

  constructor(inner: Exchange, end: EndSpan) {
    this.#inner = inner;
    this.#end = end;
  }

  get head(): RequestHead {
    return this.#inner.head;
  }

  get ended(): boolean {
    return this.#inner.ended;
  }

  get reader(): RequestReader {
    return this.#reader ?? this;
  }

  set reader(reader: RequestReader) {
    this.#reader = reader;
    this.#inner.reader = this;
  }

  respond(head: ResponseHead, ended: boolean): void {
    this.#inner.respond(head, ended);
    if (head.status >= 200 || head.status === 101) this.#status = head.status;
    if (ended) this.#end(this.#status, true);
  }

  data(chunk: Uint8Array): boolean {
    return this.#inner.data(chunk);
  }

  end(trailers: readonly Field[]): void {
    this.#inner.end(trailers);
    this.#end(this.#status, true);
  }

  reset(reset: Reset): void {
    this.#inner.reset(reset);
    this.#end(this.#status, false);
  }

  upgrade(): Channel {
    this.#end(this.#status, true);
    return this.#inner.upgrade();
  }

  pauseRequest(): void {
    this.#inner.pauseRequest();
  }

  resumeRequest(): void {
    this.#inner.resumeRequest();
  }

  closeAfter(): void {
    this.#inner.closeAfter();
  }

  requestData(chunk: Uint8Array): boolean {
    return this.#reader?.requestData(chunk) ?? true;
  }

  requestEnd(trailers: readonly Field[]): void {
    this.#reader?.requestEnd(trailers);
  }

  requestReset(reset: Reset): void {
    this.#reader?.requestReset(reset);
    this.#end(this.#status, false);
  }

  responseDrain(): void {
    this.#reader?.responseDrain();
  }
}
