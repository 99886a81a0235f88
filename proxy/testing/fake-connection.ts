import { Field } from "../http/field.ts";
import {
  type ClientConnection,
  type ClientEvents,
  type ClientStream,
  ErrorCode,
  type RequestHead,
  type Reset,
  ResponseHead,
  type ResponseReader,
} from "../http/message.ts";

/** A client connection whose server is the test: it sees requests and answers them by hand. */
export class FakeConnection implements ClientConnection {
  closed = false;
  /** What the server lets through at once. */
  limit = Number.POSITIVE_INFINITY;
  draining = false;
  readonly requests: FakeRequest[] = [];
  private readonly events: ClientEvents;

  constructor(events: ClientEvents) {
    this.events = events;
  }

  get active(): number {
    return this.requests.filter(({ over }) => !over).length;
  }

  get ready(): boolean {
    return !this.closed && !this.draining && this.active < this.limit;
  }

  request(
    head: RequestHead,
    ended: boolean,
    reader: ResponseReader,
  ): ClientStream {
    const request = new FakeRequest(head, ended, reader);
    this.requests.push(request);
    return request;
  }

  drain(): void {
    this.draining = true;
    if (this.active === 0) this.lose(null);
  }

  destroy(): void {
    this.lose(null);
  }

  /** The server asks to be left. */
  retire(): void {
    this.draining = true;
    this.events.retiring();
  }

  /** The connection ends, and with it all that was in flight. */
  lose(error: Error | null = new Error("connection reset")): void {
    if (this.closed) return;
    this.closed = true;
    for (const request of this.requests) request.fail(ErrorCode.cancel, "io");
    this.events.closed(error);
  }
}

/** One request that has arrived. */
export class FakeRequest implements ClientStream {
  readonly head: RequestHead;
  body: Uint8Array = new Uint8Array(0);
  /** What `data` answers; `drain` says that more is taken. */
  accepting = true;
  /** True once the client has sent all of it. */
  ended: boolean;
  over = false;
  paused = false;
  /** Set when the client gave up. */
  cancelled: Reset | null = null;
  private readonly reader: ResponseReader;

  constructor(head: RequestHead, ended: boolean, reader: ResponseReader) {
    this.head = head;
    this.ended = ended;
    this.reader = reader;
  }

  get path(): string {
    return this.head.path.text;
  }

  data(chunk: Uint8Array): boolean {
    this.body = Uint8Array.from([...this.body, ...chunk]);
    return this.accepting;
  }

  end(): void {
    this.ended = true;
  }

  pauseResponse(): void {
    this.paused = true;
  }

  resumeResponse(): void {
    this.paused = false;
  }

  drain(): void {
    this.accepting = true;
    this.reader.requestDrain();
  }

  reset(reset: Reset): void {
    this.over = true;
    this.cancelled ??= reset;
  }

  upgrade(): never {
    throw new Error("HTTP/2 is not upgraded");
  }

  answerHead(status = 200, fields: readonly Field[] = [], ended = false): void {
    if (ended) this.over = true;
    this.reader.responseHead(new ResponseHead("2", status, [...fields]), ended);
  }

  answerData(chunk: Uint8Array): void {
    if (this.over) return;
    if (!this.reader.responseData(chunk)) this.paused = true;
  }

  /** One gRPC message, its head first where needed. */
  answerMessage(message: Uint8Array): void {
    const framed = new Uint8Array(5 + message.length);
    new DataView(framed.buffer).setUint32(1, message.length);
    framed.set(message, 5);
    this.answerData(framed);
  }

  answerEnd(status: number | null, message = ""): void {
    if (this.over) return;
    this.over = true;
    this.reader.responseEnd(
      status === null ? [] : [
        Field.of("grpc-status", String(status)),
        Field.of("grpc-message", message),
      ],
    );
  }

  fail(code: number, origin: Reset["origin"]): void {
    if (this.over) return;
    this.over = true;
    this.reader.responseReset({ code, origin, message: "cut" });
  }
}
