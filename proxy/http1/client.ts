import { Problem } from "../../schemas/problem.ts";
import type { Channel, ChannelReader } from "../channel.ts";
import { join, partOf } from "../chunk.ts";
import { type Field, FieldCache } from "../http/field.ts";
import {
  type ClientConnection,
  type ClientEvents,
  type ClientStream,
  ErrorCode,
  NO_TRAILERS,
  type RequestHead,
  type Reset,
  type ResponseHead,
  type ResponseReader,
} from "../http/message.ts";
import { BodyReader } from "./body-reader.ts";
import { ClientRequest, type RequestOwner } from "./client-request.ts";
import { MAX_INFORMATIONAL, MAX_WAITING_BYTES } from "./limits.ts";
import { INCOMPLETE } from "./line-reader.ts";
import { endGracefully } from "./linger.ts";
import { Refusal } from "./refusal.ts";
import { ResponseParser } from "./response-parser.ts";

/**
 * Speaks HTTP/1 to a server on a channel, one request at a time. A response that breaks a rule resets its reader with
 * origin `protocol` and closes the connection; bytes nobody asked for close it too. A response that is complete before
 * its request is closes it as well: what is left of the request has no reader.
 */
export function connectHttp1(
  channel: Channel,
  events: ClientEvents,
): ClientConnection {
  const codec = new Http1Client(channel, events);
  channel.attach(codec);
  return {
    get ready() {
      return codec.ready;
    },
    get active() {
      return codec.active;
    },
    get closed() {
      return codec.phase === Phase.gone;
    },
    request: (head, ended, reader) => codec.request(head, ended, reader),
    drain: () => codec.finish(),
    destroy: () => codec.destroy(),
  };
}

/** What the connection is doing. `tunnel`: 101 or 2xx to CONNECT came, `upgrade` has not been called yet. */
const Phase = { idle: 0, head: 1, body: 2, tunnel: 3, gone: 4 } as const;

const NOTHING = new Uint8Array(0);
/** Shared by all connections: servers of one service answer with much the same fields. */
const responseFields = new FieldCache(1024, 2);

class Http1Client implements ChannelReader, RequestOwner {
  readonly channel: Channel;
  phase: number = Phase.idle;
  private readonly events: ClientEvents;
  private readonly parser = new ResponseParser(responseFields);
  private readonly body = new BodyReader(responseFields);
  private current: ClientRequest | null = null;
  private retired = false;
  private informational = 0;
  private paused = false;
  /** Bytes behind the head of a response that begins a tunnel. */
  private early: Uint8Array = NOTHING;
  private lingering: ReturnType<typeof setInterval> | null = null;

  constructor(channel: Channel, events: ClientEvents) {
    this.channel = channel;
    this.events = events;
  }

  get ready(): boolean {
    return this.phase === Phase.idle && !this.retired && !this.channel.closed;
  }

  get active(): number {
    return this.current === null ? 0 : 1;
  }

  request(
    head: RequestHead,
    ended: boolean,
    reader: ResponseReader,
  ): ClientStream {
    if (!this.ready) {
      throw new Problem(
        "system.failed",
        "Cannot send request: the connection is not ready, expected a check of ready first",
      );
    }
    const request = new ClientRequest(this, head, reader);
    this.current = request;
    this.phase = Phase.head;
    this.informational = 0;
    this.parser.method = head.method.text;
    request.start(ended);
    return request;
  }

  /** Closes now if idle, otherwise after the response in flight. */
  finish(): void {
    if (this.phase === Phase.idle) this.closeIdle();
    else this.retire();
  }

  destroy(): void {
    if (this.phase === Phase.gone) return;
    this.channel.destroy();
    this.lose(null, "local", "the connection was closed on purpose");
  }

  data(chunk: Uint8Array): void {
    let at = 0;
    try {
      while (at < chunk.length) {
        if (this.phase === Phase.head) at = this.readHead(chunk, at);
        else if (this.phase === Phase.body) at = this.readBody(chunk, at);
        else if (this.phase === Phase.tunnel) return this.keep(chunk, at);
        else return this.refuseUnasked();
      }
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      this.channel.destroy();
      this.lose(thrown, "protocol", thrown.message);
    }
  }

  end(): void {
    switch (this.phase) {
      case Phase.gone:
      case Phase.tunnel:
        return;
      case Phase.idle:
        return this.closeIdle();
      case Phase.body:
        if (this.body.endsWithConnection && this.current !== null) {
          return this.complete(this.current, NO_TRAILERS, false);
        }
    }
    this.channel.destroy();
    this.lose(null, "io", "the server closed the connection early");
  }

  drain(): void {
    this.current?.reader.requestDrain();
  }

  close(error: Error | null): void {
    if (this.lingering !== null) clearInterval(this.lingering);
    const message = error?.message ?? "the server closed the connection";
    this.lose(error, "io", message);
  }

  abandon(request: ClientRequest): void {
    if (this.current !== request) return;
    this.current = null;
    request.detach();
    this.channel.destroy();
    this.lose(null, "local", "the request was given up");
  }

  failRequest(request: ClientRequest, message: string): void {
    if (this.current !== request) return;
    this.channel.destroy();
    this.lose(null, "local", message);
  }

  pauseResponse(request: ClientRequest): void {
    if (this.current !== request || this.paused) return;
    this.paused = true;
    this.channel.pause();
  }

  resumeResponse(request: ClientRequest): void {
    if (this.current === request) this.release();
  }

  takeOver(request: ClientRequest): Channel {
    const { channel } = this;
    if (this.current !== request || this.phase !== Phase.tunnel) {
      channel.destroy();
      return channel;
    }
    const { early } = this;
    this.current = null;
    this.phase = Phase.gone;
    this.early = NOTHING;
    channel.unread(early);
    this.release();
    this.events.closed(null);
    return channel;
  }

  private readHead(chunk: Uint8Array, from: number): number {
    const { parser, current } = this;
    const at = parser.parse(chunk, from);
    if (at === INCOMPLETE) return chunk.length;
    const { head } = parser;
    if (head === null || current === null) return at;
    if (head.status < 200 && head.status !== 101) {
      this.inform(current, head);
      return at;
    }
    if (parser.bodyEnd === "tunnel") {
      // Kept before anybody hears of the head: its reader may take the channel over at once.
      this.keep(chunk, at);
      this.beginTunnel(current, head);
      return chunk.length;
    }
    if (this.begin(current, head)) {
      this.complete(current, null, at < chunk.length);
    }
    return at;
  }

  private inform(current: ClientRequest, head: ResponseHead): void {
    if (++this.informational > MAX_INFORMATIONAL) {
      throw new Refusal(
        400,
        `Cannot read response: more than ${MAX_INFORMATIONAL} informational ones`,
      );
    }
    current.reader.responseInformational(head);
  }

  /** A final head; true when nothing follows it. */
  private begin(current: ClientRequest, head: ResponseHead): boolean {
    const { body, parser } = this;
    if (!parser.keepAlive || current.oneOff) this.retire();
    switch (parser.bodyEnd) {
      case "none":
        current.reader.responseHead(head, true);
        return this.current === current;
      case "length":
        body.startLength(head.contentLength);
        break;
      case "chunked":
        body.startChunked();
        break;
      case "close":
        body.startUntilClose();
    }
    this.phase = Phase.body;
    current.reader.responseHead(head, false);
    return false;
  }

  private beginTunnel(current: ClientRequest, head: ResponseHead): void {
    if (!current.head.upgrade) {
      throw new Refusal(
        400,
        "Cannot read response: found 101 to a request without upgrade",
      );
    }
    this.retire();
    this.phase = Phase.tunnel;
    this.pauseResponse(current);
    current.reader.responseHead(head, true);
  }

  private readBody(chunk: Uint8Array, from: number): number {
    const { body, current } = this;
    const at = body.read(chunk, from);
    const { dataStart, dataEnd } = body;
    if (current === null) return at;
    if (dataEnd > dataStart) {
      const piece = partOf(chunk, dataStart, dataEnd);
      if (!current.reader.responseData(piece)) this.pauseResponse(current);
    }
    if (this.current === current && body.done) {
      this.complete(current, body.trailers, at < chunk.length);
    }
    return at;
  }

  /**
   * The response is whole; `trailers` are null when it had no body to end. `surplus`: more bytes came than it has, which
   * must never be taken for the answer to another request.
   */
  private complete(
    current: ClientRequest,
    trailers: readonly Field[] | null,
    surplus: boolean,
  ): void {
    const clean = current.sent && !surplus;
    const reusable = clean && !this.retired;
    this.current = null;
    this.phase = reusable ? Phase.idle : Phase.gone;
    current.detach();
    if (trailers !== null) current.reader.responseEnd(trailers);
    if (reusable) {
      this.release();
      if (this.ready) this.events.ready();
      return;
    }
    if (clean) this.lingering = endGracefully(this.channel);
    else this.channel.destroy();
    this.release();
    this.events.closed(null);
  }

  /** Keeps the first bytes of a tunnel until it is taken over. */
  private keep(chunk: Uint8Array, from: number): void {
    const { early } = this;
    const size = early.length + chunk.length - from;
    if (size > MAX_WAITING_BYTES) {
      throw new Refusal(413, "Cannot keep tunnel: too many bytes sent ahead");
    }
    this.early = join(early, chunk.subarray(from));
  }

  private refuseUnasked(): void {
    if (this.phase === Phase.gone) return;
    this.channel.destroy();
    const problem = new Refusal(400, "Cannot read response: nothing was asked");
    this.lose(problem, "protocol", problem.message);
  }

  private closeIdle(): void {
    this.phase = Phase.gone;
    this.lingering = endGracefully(this.channel);
    this.events.closed(null);
  }

  private retire(): void {
    if (this.retired) return;
    this.retired = true;
    this.events.retiring();
  }

  private release(): void {
    if (!this.paused) return;
    this.paused = false;
    this.channel.resume();
  }

  /** The connection is over, whatever was in flight. */
  private lose(
    error: Error | null,
    origin: Reset["origin"],
    message: string,
  ): void {
    if (this.phase === Phase.gone) return;
    this.phase = Phase.gone;
    this.early = NOTHING;
    const { current } = this;
    this.current = null;
    if (current !== null) {
      current.detach();
      current.reader.responseReset({ code: CODES[origin], origin, message });
    }
    this.events.closed(error);
  }
}

const CODES = {
  peer: ErrorCode.cancel,
  local: ErrorCode.cancel,
  io: ErrorCode.internalError,
  protocol: ErrorCode.protocolError,
} as const;
