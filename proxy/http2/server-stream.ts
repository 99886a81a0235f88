import { Problem } from "../../schemas/problem.ts";
import type { Channel } from "../channel.ts";
import type { Field } from "../http/field.ts";
import {
  ErrorCode,
  type Exchange,
  type RequestHead,
  type RequestReader,
  type Reset,
  type ResponseHead,
} from "../http/message.ts";
import type { Connection } from "./connection.ts";
import type { FieldBlock } from "./field-block.ts";
import { writeResponse } from "./heads.ts";
import { Stream } from "./stream.ts";

/** The reader of an exchange whose server has not set one: takes nothing in. */
const NOBODY: RequestReader = {
  requestData: () => true,
  requestEnd() {},
  requestReset() {},
  responseDrain() {},
};

/** One request at a server. */
export class ServerStream extends Stream implements Exchange {
  readonly head: RequestHead;
  readonly ended: boolean;
  reader: RequestReader = NOBODY;
  override readonly bodyExpected = true;
  /** True once the final head was sent. */
  answered = false;

  constructor(
    connection: Connection,
    id: number,
    head: RequestHead,
    ended: boolean,
  ) {
    super(
      connection,
      id,
      connection.peer.initialWindowBytes,
      ended ? null : connection.receiveWindow(),
    );
    this.head = head;
    this.ended = ended;
    this.expected = head.contentLength;
  }

  respond(head: ResponseHead, ended: boolean): void {
    if (this.closed || this.answered) return;
    const final = head.status >= 200;
    if (head.status === 101) throw noUpgrade();
    const last = final && (ended || this.isBodyless(head.status));
    const { writer, encoder, channel } = this.connection;
    const at = writer.startHeaders();
    writeResponse(encoder, channel.out, head);
    writer.endHeaders(at, this.id, last);
    this.answered = final;
    if (last) this.localEnd();
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

  pauseRequest(): void {
    this.pause();
  }

  resumeRequest(): void {
    this.resume();
  }

  upgrade(): Channel {
    throw noUpgrade();
  }

  closeAfter(): void {
    this.connection.drain();
  }

  /** Only trailers may follow a request's head (RFC 9113 8.1). */
  override headers(block: FieldBlock, endStream: boolean): void {
    if (block.tooLarge) {
      return this.connection.refuse(
        this.id,
        ErrorCode.enhanceYourCalm,
        "trailers too large",
      );
    }
    if (!endStream) return this.malformed("trailers without END_STREAM");
    if (block.hasPseudo) return this.malformed("a pseudo-field in trailers");
    if (block.fault !== null) return this.malformed(block.fault);
    this.receiveEnd(block.fields);
  }

  override drained(): void {
    this.reader.responseDrain();
  }

  protected override deliver(chunk: Uint8Array): boolean {
    return this.reader.requestData(chunk);
  }

  protected override deliverEnd(trailers: readonly Field[]): void {
    this.reader.requestEnd(trailers);
  }

  protected override deliverReset(reset: Reset): void {
    this.reader.requestReset(reset);
  }

  /** Responses that end with their head whatever they declare (RFC 9110 6.4.1). */
  private isBodyless(status: number): boolean {
    return status === 204 || status === 304 || this.head.method.text === "HEAD";
  }
}

function noUpgrade(): Problem {
  return new Problem(
    "protocol.invalid",
    "Cannot upgrade a request: found HTTP/2, expected HTTP/1.1",
  );
}
