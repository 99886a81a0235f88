import type { Channel } from "../channel.ts";
import type { RequestTrace } from "../trace/request-trace.ts";
import { Field, Name } from "./field.ts";

/** HTTP versions as the proxy distinguishes them. */
export type Version = "1.0" | "1.1" | "2";

export const METHOD = Name.of(":method");
export const SCHEME = Name.of(":scheme");
export const AUTHORITY = Name.of(":authority");
export const PATH = Name.of(":path");
export const STATUS = Name.of(":status");
export const HOST = Name.of("host");

/** Marks a body whose length is not declared. */
export const UNKNOWN_LENGTH = -1;

/** The HTTP/1 request that an HTTP/2 request between two proxies stands for. */
export interface OrigProto {
  readonly version: "1.0" | "1.1";
  readonly absolute: boolean;
}

/**
 * A request without its body. Codecs make one per request. It belongs to its exchange, whose stages edit it in place: a
 * copy for each would double what a request costs in objects. An edit must bear repetition, for a request may be sent again.
 */
export class RequestHead {
  /** How it is to be sent; at first how it came. */
  version: Version;
  /** Name `:method`. */
  readonly method: Field;
  /** Name `:path`: path and query; `*` for OPTIONS; the authority for CONNECT over HTTP/1. */
  path: Field;
  /** Name `:scheme`; null for HTTP/1 in origin-form. */
  scheme: Field | null;
  /** Name `:authority`: from the absolute-form target or the pseudo-field; null when there was none. */
  authority: Field | null;
  /** Name `host`; HTTP/1 only, or an HTTP/2 request that sent one besides its authority. */
  host: Field | null;
  /** True when an HTTP/1 request-target was in absolute-form and must be sent so again (RFC 9112 3.2.2). */
  absolute: boolean;
  /** All other fields in order, without pseudo-fields, `host`, and `transfer-encoding`. */
  fields: Field[];
  /** Declared body length in bytes, or `UNKNOWN_LENGTH` (chunked, or HTTP/2 without content-length). */
  contentLength: number;
  /** What HTTP/1 was upgraded to this HTTP/2, once it has been looked for (`origProto`). */
  orig: OrigProto | null | undefined;
  /** True for HTTP/1.1 with an `upgrade` other than h2c, and for CONNECT: may turn into a tunnel. */
  upgrade: boolean;
  /** Its part in a trace that we take part in; null without one. */
  trace: RequestTrace | null;

  constructor(
    version: Version,
    method: Field,
    path: Field,
    fields: Field[],
  ) {
    this.version = version;
    this.method = method;
    this.path = path;
    this.scheme = null;
    this.authority = null;
    this.host = null;
    this.absolute = false;
    this.fields = fields;
    this.contentLength = UNKNOWN_LENGTH;
    this.orig = undefined;
    this.upgrade = false;
    this.trace = null;
  }
}

/** A response without its body, final or informational (1xx); edited in place as a request is. */
export class ResponseHead {
  readonly version: Version;
  readonly status: number;
  /** All fields in order, without `:status` and `transfer-encoding`. */
  fields: Field[];
  /** Declared body length in bytes, or `UNKNOWN_LENGTH`. */
  contentLength: number;

  constructor(
    version: Version,
    status: number,
    fields: Field[],
    contentLength: number = UNKNOWN_LENGTH,
  ) {
    this.version = version;
    this.status = status;
    this.fields = fields;
    this.contentLength = contentLength;
  }
}

/** HTTP/2 error codes (RFC 9113 7), used for every stream that ends early, HTTP/1 included. */
export const ErrorCode = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

/** Why a message ended before its end. */
export interface Reset {
  /** An `ErrorCode`. */
  readonly code: number;
  /** `peer`: it sent RST_STREAM; `io`: the connection broke; `local`: we gave up; `protocol`: the peer broke a rule. */
  readonly origin: "peer" | "io" | "local" | "protocol";
  readonly message: string;
}

const NO_FIELDS: readonly Field[] = [];
/** Trailers of a message that has none. */
export const NO_TRAILERS = NO_FIELDS;

/** Receives one request as a server codec reads it, and hears when the response may go on. */
export interface RequestReader {
  /** A piece of the body, the reader's only during the call; false asks the codec to pause (it calls nothing itself). */
  requestData(chunk: Uint8Array): boolean;
  requestEnd(trailers: readonly Field[]): void;
  /** The client is gone or broke a rule; nothing follows, and the exchange must not be used any more. */
  requestReset(reset: Reset): void;
  /** The response may go on, after `data` returned false. */
  responseDrain(): void;
}

/** The server's side of one request: how to answer it. Made by a server codec and handed to its `ServeRequest`. */
export interface Exchange {
  readonly head: RequestHead;
  /** True when the request has no body: `requestData` and `requestEnd` are never called. */
  readonly ended: boolean;
  /** Must be set before `ServeRequest` returns. */
  reader: RequestReader;
  /** Sends a 1xx (any number), then one final head; `ended` when no body follows. */
  respond(head: ResponseHead, ended: boolean): void;
  /** Sends a piece of the response body (copied or sent before return); false: pause until `responseDrain`. */
  data(chunk: Uint8Array): boolean;
  end(trailers: readonly Field[]): void;
  /** Ends the response early: RST_STREAM, or a closed connection on HTTP/1. Harmless after the end. */
  reset(reset: Reset): void;
  /** Brake and release of the request body. */
  pauseRequest(): void;
  resumeRequest(): void;
  /** After a 101 or a 2xx to CONNECT was sent: gives the connection away as raw bytes (HTTP/1 only). */
  upgrade(): Channel;
  /** Asks the codec to close the connection gracefully once this response is complete (`connection: close`, GOAWAY). */
  closeAfter(): void;
}

/** Called by a server codec for each request. */
export type ServeRequest = (exchange: Exchange) => void;

/** A server codec at work on one connection. */
export interface ServerConnection {
  /** Finishes the exchanges in flight, then closes; idle connections close at once. */
  drain(): void;
}

/** Receives one response as a client codec reads it, and hears when the request may go on. */
export interface ResponseReader {
  /** A 1xx other than 101. */
  responseInformational(head: ResponseHead): void;
  /** The final head (101 included); `ended` when no body follows. */
  responseHead(head: ResponseHead, ended: boolean): void;
  /** A piece of the body, the reader's only during the call; false asks the codec to pause. */
  responseData(chunk: Uint8Array): boolean;
  responseEnd(trailers: readonly Field[]): void;
  /** The response will not be complete; nothing follows. */
  responseReset(reset: Reset): void;
  /** The request body may go on, after `data` returned false. */
  requestDrain(): void;
}

/** The client's side of one request: how to send its body and slow its response. */
export interface ClientStream {
  data(chunk: Uint8Array): boolean;
  end(trailers: readonly Field[]): void;
  /** Gives the request up: RST_STREAM, or a closed connection on HTTP/1. Harmless after the end; no event follows. */
  reset(reset: Reset): void;
  pauseResponse(): void;
  resumeResponse(): void;
  /** After 101, or 2xx to CONNECT: takes the connection over as raw bytes (HTTP/1 only). */
  upgrade(): Channel;
}

/** A client codec at work on one connection. */
export interface ClientConnection {
  /** True while another request may be sent now: idle on HTTP/1, below the peer's stream limit on HTTP/2. */
  readonly ready: boolean;
  /** Requests in flight. */
  readonly active: number;
  readonly closed: boolean;
  /** Sends a request head; only while `ready`. `ended`: no body follows and `data`/`end` must not be called. */
  request(
    head: RequestHead,
    ended: boolean,
    reader: ResponseReader,
  ): ClientStream;
  /** Finishes what is in flight, then closes. */
  drain(): void;
  /** Closes now; readers in flight are reset. */
  destroy(): void;
}

/** What the owner of a client connection hears. */
export interface ClientEvents {
  /** `ready` has become true (again). */
  ready(): void;
  /** No new request may be sent on it any more (GOAWAY, close announced); those in flight go on. */
  retiring(): void;
  /** The connection is over; all readers have been told. */
  closed(error: Error | null): void;
}
