import type { Channel } from "../channel.ts";
import { type Field, NameFlag } from "../http/field.ts";
import {
  type Exchange,
  NO_TRAILERS,
  type RequestHead,
  type RequestReader,
  type Reset,
  type ResponseHead,
  UNKNOWN_LENGTH,
} from "../http/message.ts";
import {
  CHUNKED_LINE,
  CLOSE_LINE,
  CRLF,
  KEEP_ALIVE_LINE,
  OWN_FIELDS,
  sendChunk,
  writeContentLength,
  writeFields,
  writeLastChunk,
  writeStatusLine,
} from "./writer.ts";

/** What an exchange needs of the connection it is on. */
export interface ExchangeOwner {
  readonly channel: Channel;
  /** Whether another request may follow on this connection. */
  keepAlive: boolean;
  /** The response is complete. */
  responseEnded(exchange: Http1Exchange): void;
  /** The response cannot be completed. */
  abort(exchange: Http1Exchange): void;
  takeOver(exchange: Http1Exchange): Channel;
  pauseRequest(exchange: Http1Exchange): void;
  resumeRequest(exchange: Http1Exchange): void;
}

/** How far a response is, and how the end of its body is told. */
const State = {
  head: 0,
  /** HEAD, 204, 304: data is dropped. */
  silent: 1,
  length: 2,
  chunked: 3,
  close: 4,
  /** 101 or a 2xx to CONNECT was sent. */
  tunnel: 5,
  over: 6,
} as const;

/** The answering side of one HTTP/1 request. */
export class Http1Exchange implements Exchange {
  readonly head: RequestHead;
  readonly ended: boolean;
  reader: RequestReader = NOBODY;
  private readonly owner: ExchangeOwner;
  private state: number = State.head;
  /** Bytes missing of a declared length. */
  private remaining = 0;

  constructor(owner: ExchangeOwner, head: RequestHead, ended: boolean) {
    this.owner = owner;
    this.head = head;
    this.ended = ended;
  }

  /** True while nothing final has been sent. */
  get unanswered(): boolean {
    return this.state === State.head;
  }

  /** Makes all further calls do nothing. */
  abandon(): void {
    this.state = State.over;
  }

  respond(head: ResponseHead, ended: boolean): void {
    if (this.state !== State.head) return;
    const { status } = head;
    if (status < 200 && status !== 101) return this.inform(head);
    if (status === 101) return this.beginTunnel(head, NameFlag.framing);
    const { method, version } = this.head;
    const name = method.text;
    if (name === "CONNECT" && status < 300) {
      return this.beginTunnel(head, OWN_FIELDS);
    }
    const { owner } = this;
    const { out } = owner.channel;
    const silent = name === "HEAD" || status === 204 || status === 304;
    writeStatusLine(out, version, status);
    writeFields(out, head.fields, OWN_FIELDS);
    const length = ended && !silent && head.contentLength === UNKNOWN_LENGTH
      ? 0
      : head.contentLength;
    if (silent) this.state = State.silent;
    else if (length !== UNKNOWN_LENGTH) this.state = State.length;
    else this.state = version === "1.0" ? State.close : State.chunked;
    if (length !== UNKNOWN_LENGTH && status !== 204) {
      writeContentLength(out, length);
    }
    if (this.state === State.chunked) out.append(CHUNKED_LINE);
    else if (this.state === State.length) this.remaining = length;
    else if (this.state === State.close) owner.keepAlive = false;
    if (!owner.keepAlive) out.append(CLOSE_LINE);
    else if (version === "1.0") out.append(KEEP_ALIVE_LINE);
    out.append(CRLF);
    if (ended) this.end(NO_TRAILERS);
    else owner.channel.flush();
  }

  data(chunk: Uint8Array): boolean {
    const { channel } = this.owner;
    switch (this.state) {
      case State.length:
        if (chunk.length > this.remaining) {
          this.owner.abort(this);
          return false;
        }
        this.remaining -= chunk.length;
        return channel.write(chunk);
      case State.close:
        return channel.write(chunk);
      case State.chunked:
        return sendChunk(channel, chunk);
      default:
        return true;
    }
  }

  end(trailers: readonly Field[]): void {
    const { owner, state } = this;
    if (
      state === State.head || state === State.tunnel || state === State.over
    ) return;
    if (state === State.length && this.remaining > 0) return owner.abort(this);
    if (state === State.chunked) writeLastChunk(owner.channel.out, trailers);
    owner.channel.flush();
    this.state = State.over;
    owner.responseEnded(this);
  }

  reset(_reset: Reset): void {
    if (this.state !== State.over) this.owner.abort(this);
  }

  pauseRequest(): void {
    if (this.state !== State.over) this.owner.pauseRequest(this);
  }

  resumeRequest(): void {
    if (this.state !== State.over) this.owner.resumeRequest(this);
  }

  upgrade(): Channel {
    this.state = State.over;
    return this.owner.takeOver(this);
  }

  closeAfter(): void {
    if (this.state !== State.over) this.owner.keepAlive = false;
  }

  /** A 1xx; HTTP/1.0 knows none (RFC 9110 15.2). */
  private inform(head: ResponseHead): void {
    if (this.head.version === "1.0") return;
    const { channel } = this.owner;
    writeStatusLine(channel.out, this.head.version, head.status);
    writeFields(channel.out, head.fields, OWN_FIELDS);
    channel.out.append(CRLF);
    channel.flush();
  }

  private beginTunnel(head: ResponseHead, skipped: number): void {
    const { channel } = this.owner;
    writeStatusLine(channel.out, this.head.version, head.status);
    writeFields(channel.out, head.fields, skipped);
    channel.out.append(CRLF);
    channel.flush();
    this.state = State.tunnel;
  }
}

/** Reads an exchange until its page has said who does. */
const NOBODY: RequestReader = {
  requestData: () => true,
  requestEnd() {},
  requestReset() {},
  responseDrain() {},
};
