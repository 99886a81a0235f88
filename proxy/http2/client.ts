import { Problem } from "../../schemas/problem.ts";
import type { Channel } from "../channel.ts";
import {
  type ClientConnection,
  type ClientEvents,
  type ClientStream,
  ErrorCode,
  type RequestHead,
  type ResponseReader,
} from "../http/message.ts";
import { RequestStream } from "./client-stream.ts";
import { Connection } from "./connection.ts";
import { idleFault } from "./control.ts";
import type { FieldBlock } from "./field-block.ts";
import { MAX_31_BITS } from "./frames.ts";
import { writeRequest } from "./heads.ts";
import type { Http2Options } from "./options.ts";
import { Setting } from "./settings.ts";

/**
 * Speaks HTTP/2 with prior knowledge on a channel. Requests may be sent at once; `ready` obeys the server's limit on
 * streams, and the channel's congestion.
 *
 * Requests that the server did not look at (GOAWAY) are reset with `refusedStream` and may be retried.
 */
export function connectHttp2(
  channel: Channel,
  options: Http2Options,
  events: ClientEvents,
): ClientConnection {
  return new Http2Client(channel, options, events);
}

class Http2Client extends Connection implements ClientConnection {
  override readonly lastPeerStream = 0;
  private readonly events: ClientEvents;
  private nextId = 1;
  /** No new request may be sent: the server said so, we were told to drain, or the ids are used up. */
  private retiring = false;
  /** True when `events.ready` is owed once `ready` is true. */
  private owesReady = false;

  constructor(
    channel: Channel,
    options: Http2Options,
    events: ClientEvents,
  ) {
    super(channel, options, false);
    this.events = events;
    this.writer.preface();
    this.start([Setting.enablePush, 0]);
  }

  get active(): number {
    return this.streams.size;
  }

  get ready(): boolean {
    return !this.closed && !this.retiring && !this.channel.congested &&
      this.streams.size < this.peer.maxConcurrentStreams;
  }

  request(
    head: RequestHead,
    ended: boolean,
    reader: ResponseReader,
  ): ClientStream {
    if (!this.ready) throw notReady();
    if (head.upgrade) throw noUpgrade();
    const id = this.nextId;
    this.nextId += 2;
    const stream = new RequestStream(this, id, head, reader);
    this.streams.add(stream);
    const at = this.writer.startHeaders();
    writeRequest(this.encoder, this.channel.out, head);
    this.writer.endHeaders(at, id, ended);
    if (ended) stream.localEnd();
    if (this.nextId > MAX_31_BITS) this.retire();
    this.owesReady = !this.ready;
    return stream;
  }

  drain(): void {
    this.retiring = true;
    this.finishWhenIdle();
  }

  destroy(): void {
    if (this.closed) return;
    this.stop();
    this.lose("the connection was given up", ErrorCode.cancel, "local");
    this.channel.destroy();
  }

  override goneAway(lastId: number, code: number, text: string): void {
    if (code !== ErrorCode.noError) {
      this.problem = new Problem(
        "protocol.invalid",
        `Cannot go on: the server sent GOAWAY with code ${code}, "${text}"`,
      );
    }
    const reset = {
      code: ErrorCode.refusedStream,
      origin: "peer",
      message: `the server was closing, GOAWAY with code ${code}`,
    } as const;
    this.retire();
    for (const stream of this.streams.all()) {
      if (stream.id > lastId) stream.fail(reset);
    }
    this.finishWhenIdle();
  }

  override isIdleStream(id: number): boolean {
    return id % 2 === 0 || id >= this.nextId;
  }

  override settingsChanged(): void {
    this.owesReady ||= !this.ready;
    this.announceReady();
  }

  override pingAnswered(): void {}

  protected override openStream(id: number, _block: FieldBlock): void {
    if (this.isIdleStream(id)) throw idleFault("HEADERS", id);
  }

  /** We may have given the stream up at any time: what comes for it was under way. */
  protected override ignoresStream(): boolean {
    return true;
  }

  protected override streamForgotten(): void {
    this.announceReady();
    this.finishWhenIdle();
  }

  protected override writable(): void {
    super.writable();
    this.owesReady = true;
    this.announceReady();
  }

  protected override over(error: Error | null): void {
    this.events.closed(error);
  }

  private retire(): void {
    if (this.retiring) return;
    this.retiring = true;
    this.events.retiring();
  }

  private announceReady(): void {
    if (!this.owesReady || !this.ready) return;
    this.owesReady = false;
    this.events.ready();
  }

  private finishWhenIdle(): void {
    if (!this.retiring || !this.isIdle() || this.closed) return;
    this.writer.goaway(0, ErrorCode.noError, "");
    this.finish();
  }
}

function notReady(): Problem {
  return new Problem(
    "loadshed",
    "Cannot send a request: the connection takes none now, expected `ready`",
  );
}

function noUpgrade(): Problem {
  return new Problem(
    "protocol.invalid",
    "Cannot send an upgrade or CONNECT over HTTP/2, expected HTTP/1.1",
  );
}
