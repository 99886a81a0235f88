import type { Field } from "../http/field.ts";
import {
  type Exchange,
  type RequestReader,
  type Reset,
  ResponseHead,
  type ResponseReader,
  UNKNOWN_LENGTH,
} from "../http/message.ts";
import { textOf } from "./recorder.ts";

const encoder = new TextEncoder();

/** A request as a page sees it, remembered; make one inside `ServeRequest`. */
export class RecordedRequest implements RequestReader {
  readonly exchange: Exchange;
  /** What `requestData` answers. */
  accepting = true;
  body = "";
  ended: boolean;
  trailers: string[] = [];
  reset: Reset | null = null;
  drains = 0;
  private whenEnded: () => void = () => {};

  constructor(exchange: Exchange) {
    this.exchange = exchange;
    this.ended = exchange.ended;
    exchange.reader = this;
  }

  /** Method, target and fields as text, host first. */
  get head(): string[] {
    const { head } = this.exchange;
    const host = head.host === null ? [] : [head.host];
    return [
      `${head.method.text} ${head.path.text} ${head.version}`,
      ...linesOf([...host, ...head.fields]),
    ];
  }

  /** Answers with a body of known length. */
  answer(status: number, body = "", fields: readonly Field[] = []): void {
    const bytes = encoder.encode(body);
    const head = new ResponseHead("1.1", status, [...fields], bytes.length);
    this.exchange.respond(head, bytes.length === 0);
    if (bytes.length === 0) return;
    this.exchange.data(bytes);
    this.exchange.end([]);
  }

  /** Calls `then` once the request is complete. */
  afterEnd(then: () => void): void {
    if (this.ended) then();
    else this.whenEnded = then;
  }

  /** Begins an answer of unknown length. */
  begin(status: number, fields: readonly Field[] = []): void {
    this.exchange.respond(
      new ResponseHead("1.1", status, [...fields], UNKNOWN_LENGTH),
      false,
    );
  }

  write(text: string): boolean {
    return this.exchange.data(encoder.encode(text));
  }

  requestData(chunk: Uint8Array): boolean {
    this.body += textOf(chunk);
    return this.accepting;
  }

  requestEnd(trailers: readonly Field[]): void {
    this.ended = true;
    this.trailers = linesOf(trailers);
    this.whenEnded();
  }

  requestReset(reset: Reset): void {
    this.reset = reset;
  }

  responseDrain(): void {
    this.drains++;
  }
}

/** A response as a page sees it, remembered. */
export class RecordedResponse implements ResponseReader {
  /** What `responseData` answers. */
  accepting = true;
  informational: number[] = [];
  head: ResponseHead | null = null;
  body = "";
  ended = false;
  trailers: string[] = [];
  reset: Reset | null = null;
  drains = 0;

  get status(): number {
    return this.head?.status ?? 0;
  }

  get fields(): string[] {
    return linesOf(this.head?.fields ?? []);
  }

  responseInformational(head: ResponseHead): void {
    this.informational.push(head.status);
  }

  responseHead(head: ResponseHead, ended: boolean): void {
    this.head = head;
    this.ended = ended;
  }

  responseData(chunk: Uint8Array): boolean {
    this.body += textOf(chunk);
    return this.accepting;
  }

  responseEnd(trailers: readonly Field[]): void {
    this.ended = true;
    this.trailers = linesOf(trailers);
  }

  responseReset(reset: Reset): void {
    this.reset = reset;
  }

  requestDrain(): void {
    this.drains++;
  }
}

/** Fields as `name: value`. */
export function linesOf(fields: readonly Field[]): string[] {
  return fields.map((field) => `${field.name.text}: ${field.text}`);
}
