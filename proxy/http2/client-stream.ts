import { Problem } from "../../schemas/problem.ts";
import type { Channel } from "../channel.ts";
import type { Field } from "../http/field.ts";
import {
  type ClientStream,
  ErrorCode,
  type RequestHead,
  type Reset,
  type ResponseReader,
} from "../http/message.ts";
import type { Connection } from "./connection.ts";
import type { FieldBlock } from "./field-block.ts";
import { parseResponse } from "./heads.ts";
import { Stream } from "./stream.ts";

/** One request at a client. */
export class RequestStream extends Stream implements ClientStream {
  private readonly reader: ResponseReader;
  private readonly isHead: boolean;
  /** True once the final head has come. */
  answered = false;

  constructor(
    connection: Connection,
    id: number,
    head: RequestHead,
    reader: ResponseReader,
  ) {
    super(
      connection,
      id,
      connection.peer.initialWindowBytes,
      connection.receiveWindow(),
    );
    this.reader = reader;
    this.isHead = head.method.text === "HEAD";
  }

  override get bodyExpected(): boolean {
    return this.answered;
  }

  data(chunk: Uint8Array): boolean {
    if (this.closed || this.localEnding) return true;
    return this.connection.sender.data(this, chunk);
  }

  end(trailers: readonly Field[]): void {
    if (this.closed || this.localEnding) return;
    this.localEnding = true;
    this.connection.sender.end(this, trailers);
  }

  reset(reset: Reset): void {
    this.resetLocally(reset.code);
  }

  pauseResponse(): void {
    this.pause();
  }

  resumeResponse(): void {
    this.resume();
  }

  upgrade(): Channel {
    throw new Problem(
      "protocol.invalid",
      "Cannot upgrade a request: found HTTP/2, expected HTTP/1.1",
    );
  }

  override headers(block: FieldBlock, endStream: boolean): void {
    if (block.tooLarge) {
      this.connection.refuse(
        this.id,
        ErrorCode.enhanceYourCalm,
        "a header list too large",
      );
    } else if (this.answered) this.receiveTrailers(block, endStream);
    else this.receiveHead(block, endStream);
  }

  override drained(): void {
    this.reader.requestDrain();
  }

  protected override deliver(chunk: Uint8Array): boolean {
    return this.reader.responseData(chunk);
  }

  protected override deliverEnd(trailers: readonly Field[]): void {
    this.reader.responseEnd(trailers);
  }

  /** A response that is complete stays so; only the rest of the request is lost, and its source may run dry. */
  protected override deliverReset(reset: Reset): void {
    if (!this.remoteEnded) this.reader.responseReset(reset);
    else if (this.blocked) this.reader.requestDrain();
  }

  private receiveHead(block: FieldBlock, endStream: boolean): void {
    const head = parseResponse(block);
    if (typeof head === "string") return this.malformed(head);
    if (head.status < 200) {
      if (endStream) return this.malformed("END_STREAM on a 1xx");
      return this.reader.responseInformational(head);
    }
    const bodyless = this.isHead || head.status === 204 || head.status === 304;
    this.expected = bodyless ? 0 : head.contentLength;
    if (endStream && this.expected > 0) return this.malformed("no body");
    this.answered = true;
    this.remoteEnded = endStream;
    this.reader.responseHead(head, endStream);
    this.closeWhenDone();
  }

  private receiveTrailers(block: FieldBlock, endStream: boolean): void {
    if (!endStream) return this.malformed("trailers without END_STREAM");
    if (block.hasPseudo) return this.malformed("a pseudo-field in trailers");
    if (block.fault !== null) return this.malformed(block.fault);
    this.receiveEnd(block.fields);
  }
}
