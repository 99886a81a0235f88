import type { Channel } from "../channel.ts";
import type { Field } from "./field.ts";
import type {
  Exchange,
  RequestHead,
  RequestReader,
  Reset,
  ResponseHead,
} from "./message.ts";

/** An exchange to be answered in place of another, so that its course is heard. A class, as its heirs are made per request. */
export abstract class FollowedExchange implements Exchange, RequestReader {
  readonly #inner: Exchange;
  #reader: RequestReader | null = null;
  #over = false;
  /** 0 until there is a response. */
  protected status = 0;
  protected requestBytes = 0;
  protected responseBytes = 0;

  constructor(inner: Exchange) {
    this.#inner = inner;
  }

  /** `status` has come. */
  protected answered(): void {}

  /** It has ended, or become a tunnel; `complete` unless either side has broken off. Once. */
  protected abstract over(complete: boolean): void;

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
    if (head.status >= 200 || head.status === 101) {
      this.status = head.status;
      this.answered();
    }
    if (ended) this.#end(true);
  }

  data(chunk: Uint8Array): boolean {
    this.responseBytes += chunk.length;
    return this.#inner.data(chunk);
  }

  end(trailers: readonly Field[]): void {
    this.#inner.end(trailers);
    this.#end(true);
  }

  reset(reset: Reset): void {
    this.#inner.reset(reset);
    this.#end(false);
  }

  upgrade(): Channel {
    this.#end(true);
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
    this.requestBytes += chunk.length;
    return this.#reader?.requestData(chunk) ?? true;
  }

  requestEnd(trailers: readonly Field[]): void {
    this.#reader?.requestEnd(trailers);
  }

  requestReset(reset: Reset): void {
    this.#reader?.requestReset(reset);
    this.#end(false);
  }

  responseDrain(): void {
    this.#reader?.responseDrain();
  }

  #end(complete: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.over(complete);
  }
}
