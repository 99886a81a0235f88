import type { Channel } from "../channel.ts";
import {
  ErrorCode,
  ResponseHead,
  type ServerConnection,
  type ServeRequest,
} from "../http/message.ts";
import { Connection } from "./connection.ts";
import { ConnectionFault } from "./fault.ts";
import type { FieldBlock } from "./field-block.ts";
import { Flag, MAX_31_BITS, PING_BYTES } from "./frames.ts";
import { parseRequest, writeResponse } from "./heads.ts";
import { MAX_CONCURRENT_STREAMS } from "./limits.ts";
import type { Http2ServerOptions } from "./options.ts";
import { ServerStream } from "./server-stream.ts";
import { Setting } from "./settings.ts";

/** How long a client may take to answer the PING of a graceful end before that counts as answered. */
const DRAIN_PING_MS = 1_000;
const DRAIN_PING = new TextEncoder().encode("draining");
const HEADERS_TOO_LARGE = new ResponseHead("2", 431, []);

/**
 * Serves HTTP/2 with prior knowledge on a channel: `serve` is called for each request. The client's preface may have been
 * read already and put back with `unread`.
 *
 * CONNECT is refused with HTTP_1_1_REQUIRED; `Exchange.upgrade` throws a Problem. After `Exchange.end` the request may go
 * on; `reset` with `noError` tells the client to stop.
 */
export function serveHttp2(
  channel: Channel,
  options: Http2ServerOptions,
  serve: ServeRequest,
): ServerConnection {
  return new Http2Server(channel, options, serve);
}

class Http2Server extends Connection implements ServerConnection {
  lastPeerStream = 0;
  private readonly serve: ServeRequest;
  private readonly maxConcurrentStreams: number;
  /** Streams above this one are ignored: the last GOAWAY said so. */
  private lastServed = MAX_31_BITS;
  private draining = false;
  private drainTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    channel: Channel,
    options: Http2ServerOptions,
    serve: ServeRequest,
  ) {
    super(channel, options, true);
    this.serve = serve;
    this.maxConcurrentStreams = options.maxConcurrentStreams ??
      MAX_CONCURRENT_STREAMS;
    this.start([Setting.maxConcurrentStreams, this.maxConcurrentStreams]);
  }

  /** GOAWAY twice (RFC 9113 6.8): the first stops new requests, the second, a round trip later, says which were seen. */
  drain(): void {
    if (this.draining || this.closed) return;
    this.draining = true;
    this.writer.goaway(MAX_31_BITS, ErrorCode.noError, "draining");
    this.writer.ping(Flag.none, DRAIN_PING, 0);
    this.drainTimer = setTimeout(() => this.announceLast(), DRAIN_PING_MS);
  }

  override pingAnswered(payload: Uint8Array, at: number): void {
    if (!this.draining) return;
    for (let octet = 0; octet < PING_BYTES; octet++) {
      if (payload[at + octet] !== DRAIN_PING[octet]) return;
    }
    this.announceLast();
  }

  override isIdleStream(id: number): boolean {
    return id % 2 === 0 || id > this.lastPeerStream;
  }

  override goneAway(): void {
    // A client's GOAWAY refuses pushes, and we never push: it goes on until it closes.
  }

  override settingsChanged(): void {}

  protected override openStream(
    id: number,
    block: FieldBlock,
    endStream: boolean,
  ): void {
    if (this.ignoresStream(id)) return;
    if (id % 2 === 0 || id <= this.lastPeerStream) throw closedFault(id);
    this.lastPeerStream = id;
    if (id > this.lastServed) return;
    this.budgets.refund("priorities", 2);
    this.budgets.refund("unknownFrames", 2);
    if (this.streams.size >= this.maxConcurrentStreams) this.refuseExcess(id);
    else if (block.tooLarge) this.answerTooLarge(id, endStream);
    else this.serveRequest(id, block, endStream);
  }

  protected override ignoresStream(id: number): boolean {
    return this.wasReset(id) || id > this.lastServed;
  }

  protected override streamForgotten(): void {
    this.finishWhenDrained();
  }

  protected override over(): void {
    if (this.drainTimer !== null) clearTimeout(this.drainTimer);
  }

  private serveRequest(
    id: number,
    block: FieldBlock,
    endStream: boolean,
  ): void {
    if (block.fault === null && block.method?.text === "CONNECT") {
      return this.refuse(id, ErrorCode.http11Required, "CONNECT");
    }
    const head = parseRequest(block);
    if (typeof head === "string") {
      return this.refuse(id, ErrorCode.protocolError, head);
    }
    if (endStream && head.contentLength > 0) {
      return this.refuse(id, ErrorCode.protocolError, "no body");
    }
    const stream = new ServerStream(this, id, head, endStream);
    this.streams.add(stream);
    this.serve(stream);
  }

  /** Safe to retry elsewhere; a fault once the client knows our limit. */
  private refuseExcess(id: number): void {
    this.violated("streams");
    this.writeReset(id, ErrorCode.refusedStream);
    if (this.settingsAcked) this.budgets.spend("faults");
  }

  private answerTooLarge(id: number, endStream: boolean): void {
    const at = this.writer.startHeaders();
    writeResponse(this.encoder, this.channel.out, HEADERS_TOO_LARGE);
    this.writer.endHeaders(at, id, true);
    if (!endStream) this.writeReset(id, ErrorCode.noError);
    this.budgets.spend("faults");
  }

  private announceLast(): void {
    if (this.drainTimer === null || this.closed) return;
    clearTimeout(this.drainTimer);
    this.drainTimer = null;
    this.lastServed = this.lastPeerStream;
    this.writer.goaway(this.lastServed, ErrorCode.noError, "");
    this.finishWhenDrained();
  }

  private finishWhenDrained(): void {
    if (this.lastServed < MAX_31_BITS && this.isIdle()) this.finish();
  }
}

function closedFault(id: number): ConnectionFault {
  return id % 2 === 0
    ? new ConnectionFault(
      ErrorCode.protocolError,
      `Cannot open stream ${id}: found an even number from a client`,
    )
    : new ConnectionFault(
      ErrorCode.streamClosed,
      `Cannot open stream ${id}: it or a later one was open before`,
    );
}
