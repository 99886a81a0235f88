import type { Field } from "../http/field.ts";
import { ErrorCode, type Reset, UNKNOWN_LENGTH } from "../http/message.ts";
import type { Connection } from "./connection.ts";
import type { FieldBlock } from "./field-block.ts";
import type { SendQueue } from "./send-queue.ts";
import type { ReceiveWindow } from "./window.ts";

/** One request and its response on a connection; what the server's and the client's side of it have in common. */
export abstract class Stream {
  readonly id: number;
  /** True when nothing more is sent or received; the stream is forgotten. */
  closed = false;
  /** True once the peer has ended its side. */
  remoteEnded: boolean;
  /** True once END_STREAM was written, or is queued. */
  localEnding = false;
  private localEnded = false;
  /** True once DATA may arrive: from the start on a server, after the final head on a client. */
  abstract readonly bodyExpected: boolean;
  /** True once the final head of the response was sent, or has come. */
  abstract readonly answered: boolean;

  // What we send; kept by the connection's `Sender`.
  sendWindow: number;
  queue: SendQueue | null = null;
  /** Trailers behind the queue, not null once the end waits there. */
  trailers: readonly Field[] | null = null;
  /** True when the source was told to pause and must hear `drained`. */
  blocked = false;
  waiting = false;
  nextWaiting: Stream | null = null;

  // What we receive.
  /** Null when no body can come. */
  window: ReceiveWindow | null;
  /** What is left of the declared content-length. */
  protected expected = UNKNOWN_LENGTH;
  protected readonly connection: Connection;
  private paused = false;
  /** Bytes delivered while paused: not credited to the peer yet. */
  private held = 0;

  constructor(
    connection: Connection,
    id: number,
    sendWindow: number,
    window: ReceiveWindow | null,
  ) {
    this.connection = connection;
    this.id = id;
    this.sendWindow = sendWindow;
    this.window = window;
    this.remoteEnded = window === null;
  }

  /** HEADERS after those that opened the stream. */
  abstract headers(block: FieldBlock, endStream: boolean): void;
  /** The source may go on. */
  abstract drained(): void;
  protected abstract deliver(chunk: Uint8Array): boolean;
  protected abstract deliverEnd(trailers: readonly Field[]): void;
  protected abstract deliverReset(reset: Reset): void;

  /** Some of the body has arrived. */
  receive(chunk: Uint8Array): void {
    if (this.expected !== UNKNOWN_LENGTH) {
      this.expected -= chunk.length;
      if (this.expected < 0) return this.malformed("more than content-length");
    }
    if (!this.deliver(chunk)) this.paused = true;
    if (this.closed) return;
    if (this.paused) {
      this.held += chunk.length;
      this.connection.hold(chunk.length);
    } else this.credit(chunk.length);
  }

  /** The peer has ended its side. */
  receiveEnd(trailers: readonly Field[]): void {
    if (this.expected > 0) return this.malformed("less than content-length");
    this.remoteEnded = true;
    this.deliverEnd(trailers);
    this.closeWhenDone();
  }

  /** Padding and accepted bytes: gives the peer its window back. */
  credit(bytes: number): void {
    if (this.window === null || this.remoteEnded || this.closed) return;
    const increment = this.window.credit(bytes);
    if (increment > 0) {
      this.connection.writer.windowUpdate(this.id, increment);
    }
  }

  protected pause(): void {
    this.paused = true;
  }

  protected resume(): void {
    this.paused = false;
    const bytes = this.releaseHeld();
    if (bytes > 0) this.credit(bytes);
  }

  /** END_STREAM has been written. */
  localEnd(): void {
    this.localEnding = true;
    this.localEnded = true;
    this.closeWhenDone();
  }

  /** The stream ends early without a word to the peer: it said so itself, or the connection is gone. */
  fail(reset: Reset): void {
    if (this.closed) return;
    this.close();
    this.deliverReset(reset);
  }

  /** Ends the stream early by RST_STREAM; `deliverReset` is not called. */
  resetLocally(code: number): void {
    if (this.closed) return;
    this.close();
    this.connection.writeReset(this.id, code);
  }

  /** Ends the stream early by RST_STREAM and tells its reader. */
  abort(code: number, message: string): void {
    if (this.closed) return;
    this.resetLocally(code);
    this.deliverReset({ code, origin: "local", message });
  }

  /** The peer broke a rule of HTTP (RFC 9113 8.1.1). */
  malformed(found: string): void {
    this.connection.refuse(this.id, ErrorCode.protocolError, found);
  }

  protected closeWhenDone(): void {
    if (!this.closed && this.remoteEnded && this.localEnded) {
      this.close();
      this.connection.finished();
    }
  }

  private close(): void {
    this.closed = true;
    this.queue = null;
    this.trailers = null;
    this.releaseHeld();
    this.connection.forget(this.id);
  }

  private releaseHeld(): number {
    const { held } = this;
    this.held = 0;
    if (held > 0) this.connection.hold(-held);
    return held;
  }
}
