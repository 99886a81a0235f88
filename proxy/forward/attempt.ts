import type { Field } from "../http/field.ts";
import {
  type ClientStream,
  ErrorCode,
  type Reset,
  type ResponseHead,
  type ResponseReader,
} from "../http/message.ts";
import { grpcStatusOf } from "./answer.ts";

/** Whose attempt it is. */
export interface Attempting extends ResponseReader {
  /** Whether trailers may still say that the response is to be had again: then its head has to wait for them. */
  readonly heedsTrailers: boolean;
  /** Goes on to another attempt if a response that ended so is to be had again. */
  retryEnded(head: ResponseHead, trailers: readonly Field[]): boolean;
}

/** Of a response that is not wanted so much is read, that its connection can be used again; and for so long. */
const MAX_DROPPED_BYTES = 64 * 1024;
const MAX_DROPPING_MS = 1_000;

const UNWANTED: Reset = {
  code: ErrorCode.cancel,
  origin: "local",
  message: "the request has been sent again",
};

/**
 * One of several attempts at a request: what comes of it once it has been left is dropped. The head of a gRPC response,
 * and its first frame, are held as long as trailers directly behind them may say that it failed (facts 4.12).
 */
export class Attempt implements ResponseReader {
  private readonly request: Attempting;
  private left = false;
  /** The response has. */
  private begun = false;
  private ended = false;
  private stream: ClientStream | null = null;
  private held: ResponseHead | null = null;
  private frame: Uint8Array | null = null;
  private dropped = 0;
  private dropping: ReturnType<typeof setTimeout> | undefined;

  constructor(request: Attempting) {
    this.request = request;
  }

  /** It has a stream. */
  open(stream: ClientStream): void {
    this.stream = stream;
  }

  /** Whatever comes is no longer wanted; a response that has begun is read to its end, if that is near. */
  leave(): void {
    this.left = true;
    const { stream } = this;
    if (stream === null || this.ended) return;
    if (!this.begun) return stream.reset(UNWANTED);
    stream.resumeResponse();
    this.dropping = setTimeout(() => stream.reset(UNWANTED), MAX_DROPPING_MS);
  }

  responseInformational(head: ResponseHead): void {
    if (!this.left) this.request.responseInformational(head);
  }

  responseHead(head: ResponseHead, ended: boolean): void {
    this.begun = true;
    this.ended = ended;
    const { request } = this;
    const isOpen = !ended && grpcStatusOf(head.fields) === null;
    if (isOpen && request.heedsTrailers) this.held = head;
    else request.responseHead(head, ended);
  }

  responseData(chunk: Uint8Array): boolean {
    if (this.left) return this.drop(chunk.length);
    if (this.held !== null && this.frame === null) {
      this.frame = chunk.slice();
      setImmediate(() => this.letThrough());
      return true;
    }
    this.letThrough();
    return this.request.responseData(chunk);
  }

  responseEnd(trailers: readonly Field[]): void {
    this.ended = true;
    if (this.left) return void this.drop(0);
    const { held, request } = this;
    if (held !== null && request.retryEnded(held, trailers)) return;
    this.letThrough();
    request.responseEnd(trailers);
  }

  responseReset(reset: Reset): void {
    this.ended = true;
    if (this.left) return void this.drop(0);
    this.letThrough();
    this.request.responseReset(reset);
  }

  requestDrain(): void {
    if (!this.left) this.request.requestDrain();
  }

  private letThrough(): void {
    const { held, frame, request } = this;
    this.held = this.frame = null;
    if (held === null || this.left) return;
    request.responseHead(held, false);
    if (frame !== null && !request.responseData(frame) && !this.ended) {
      this.stream?.pauseResponse();
    }
  }

  /** Always willing to go on, so that the end comes. */
  private drop(bytes: number): boolean {
    this.dropped += bytes;
    if (this.ended || this.dropped > MAX_DROPPED_BYTES) {
      clearTimeout(this.dropping);
      if (!this.ended) this.stream?.reset(UNWANTED);
    }
    return true;
  }
}
