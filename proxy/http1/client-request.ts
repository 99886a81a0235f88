import type { Channel } from "../channel.ts";
import { type Field, NameFlag } from "../http/field.ts";
import {
  type ClientStream,
  HOST,
  type RequestHead,
  type Reset,
  type ResponseReader,
  UNKNOWN_LENGTH,
} from "../http/message.ts";
import {
  CHUNKED_LINE,
  CRLF,
  EMPTY_HOST_LINE,
  OWN_FIELDS,
  sendChunk,
  writeContentLength,
  writeCookies,
  writeField,
  writeFields,
  writeLastChunk,
  writeRequestLine,
} from "./writer.ts";

/** What a request needs of the connection it is sent on. */
export interface RequestOwner {
  readonly channel: Channel;
  /** Closes the connection and tells the request's reader nothing. */
  abandon(request: ClientRequest): void;
  /** Closes the connection because of what our side did. */
  failRequest(request: ClientRequest, message: string): void;
  takeOver(request: ClientRequest): Channel;
  pauseResponse(request: ClientRequest): void;
  resumeResponse(request: ClientRequest): void;
}

/** One request on an HTTP/1 connection: its serialisation. */
export class ClientRequest implements ClientStream {
  readonly head: RequestHead;
  readonly reader: ResponseReader;
  /** True once all of the request is written. */
  sent = false;
  /** True for HTTP/1.0, which is sent without keep-alive. */
  oneOff = false;
  private readonly owner: RequestOwner;
  private chunked = false;
  /** Bytes missing of a declared length. */
  private remaining = 0;
  private over = false;

  constructor(owner: RequestOwner, head: RequestHead, reader: ResponseReader) {
    this.owner = owner;
    this.head = head;
    this.reader = reader;
  }

  /** Writes the head. */
  start(ended: boolean): void {
    const { head, owner } = this;
    const { channel } = owner;
    const { out } = channel;
    const unknown = head.contentLength === UNKNOWN_LENGTH;
    // A body of unknown length cannot be sent to HTTP/1.0; such a head came over HTTP/2.
    this.oneOff = head.version === "1.0" && (ended || !unknown);
    writeRequestLine(out, head, this.oneOff ? "1.0" : "1.1");
    this.writeHost();
    const fields = head.version === "2"
      ? writeCookies(out, head.fields)
      : head.fields;
    writeFields(out, fields, head.upgrade ? NameFlag.framing : OWN_FIELDS);
    this.sent = ended;
    if (!unknown) {
      this.remaining = ended ? 0 : head.contentLength;
      this.sent = this.remaining === 0;
      writeContentLength(out, this.remaining);
    } else if (!ended) {
      this.chunked = true;
      out.append(CHUNKED_LINE);
    }
    out.append(CRLF);
    channel.flush();
  }

  data(chunk: Uint8Array): boolean {
    if (this.over) return true;
    const { owner } = this;
    if (this.chunked) return this.sent || sendChunk(owner.channel, chunk);
    if (chunk.length > this.remaining) {
      owner.failRequest(this, "the request body is longer than declared");
      return true;
    }
    this.remaining -= chunk.length;
    this.sent = this.remaining === 0;
    return owner.channel.write(chunk);
  }

  end(trailers: readonly Field[]): void {
    if (this.over) return;
    const { owner } = this;
    if (this.remaining > 0) {
      owner.failRequest(this, "the request body is shorter than declared");
      return;
    }
    if (this.chunked && !this.sent) {
      writeLastChunk(owner.channel.out, trailers);
      owner.channel.flush();
    }
    this.sent = true;
  }

  reset(_reset: Reset): void {
    if (!this.over) this.owner.abandon(this);
  }

  pauseResponse(): void {
    if (!this.over) this.owner.pauseResponse(this);
  }

  resumeResponse(): void {
    if (!this.over) this.owner.resumeResponse(this);
  }

  upgrade(): Channel {
    return this.owner.takeOver(this);
  }

  /** The exchange is over: all further calls do nothing. */
  detach(): void {
    this.over = true;
  }

  /** First of all fields (RFC 9110 7.2). Over HTTP/2 the authority rules (RFC 9113 8.3.1), otherwise what was sent. */
  private writeHost(): void {
    const { head } = this;
    const { out } = this.owner.channel;
    const host = head.version === "2"
      ? head.authority ?? head.host
      : head.host ?? head.authority;
    if (host !== null) writeField(out, host.renamed(HOST));
    else if (!this.oneOff) out.append(EMPTY_HOST_LINE);
  }
}
