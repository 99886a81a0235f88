import { describe } from "../schemas/problem.ts";
import { frameMessage, FrameReader } from "./grpc/frames.ts";
import {
  GrpcError,
  type GrpcStatus,
  StatusCode,
  statusOfFields,
  statusOfHttp,
  statusOfReset,
} from "./grpc/status.ts";
import { Field } from "./http/field.ts";
import {
  type ClientConnection,
  type ClientStream,
  ErrorCode,
  NO_TRAILERS,
  RequestHead,
  type Reset,
  type ResponseHead,
  type ResponseReader,
} from "./http/message.ts";

/** What to call. */
export interface GrpcMethod {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Value of `:authority`. */
  readonly authority: string;
}

/** Receives the answers of a call. */
export interface GrpcReader {
  /** One message; the bytes are the reader's only during the call. What it throws ends the call as INTERNAL. */
  message(bytes: Uint8Array): void;
  /** The call is over, well or badly; nothing follows. */
  end(status: GrpcStatus): void;
}

/** A call in flight. */
export interface GrpcCall {
  /** Gives up: the server is told, and the reader hears nothing more. */
  cancel(): void;
}

const POST = Field.of(":method", "POST");
const SCHEME_HTTP = Field.of(":scheme", "http");
const FIELDS = [
  Field.of("content-type", "application/grpc"),
  Field.of("te", "trailers"),
  Field.of("user-agent", "linkerd-ts-proxy"),
];

/**
 * Sends one request message and hands over every response message: streaming from the server; with one answer, unary.
 * The connection must be `ready`. Compression is neither offered nor accepted.
 */
export function startCall(
  connection: ClientConnection,
  method: GrpcMethod,
  request: Uint8Array,
  reader: GrpcReader,
): GrpcCall {
  const path = Field.of(":path", method.path);
  const head = new RequestHead("2", POST, path, FIELDS);
  head.scheme = SCHEME_HTTP;
  head.authority = Field.of(":authority", method.authority);
  const call = new Call(reader);
  call.stream = connection.request(head, call.bodyFollows, call);
  call.stream.data(frameMessage(request));
  call.stream.end(NO_TRAILERS);
  return call;
}

/** The response side of one call. */
class Call implements ResponseReader, GrpcCall {
  stream: ClientStream | null = null;
  /** `ended` of the request's head. */
  readonly bodyFollows = false;
  private reader: GrpcReader | null;
  private head: ResponseHead | null = null;
  private readonly frames = new FrameReader();

  constructor(reader: GrpcReader) {
    this.reader = reader;
  }

  cancel(): void {
    if (this.reader === null) return;
    this.reader = null;
    this.stream?.reset(CANCELLED);
  }

  responseInformational(): void {}

  requestDrain(): void {}

  responseHead(head: ResponseHead, ended: boolean): void {
    this.head = head;
    if (ended) this.finish(statusOfFields(head.fields));
  }

  responseData(chunk: Uint8Array): boolean {
    // The body of an answer that is not gRPC says nothing to us.
    if (this.head?.status !== 200) return true;
    try {
      this.frames.push(chunk, (bytes) => this.reader?.message(bytes));
    } catch (thrown) {
      this.abandon(thrown);
    }
    return true;
  }

  responseEnd(trailers: readonly Field[]): void {
    const status = statusOfFields(trailers);
    this.finish(
      status?.code === StatusCode.ok && !this.frames.atBoundary
        ? { code: StatusCode.internal, message: "found half a message" }
        : status,
    );
  }

  responseReset(reset: Reset): void {
    this.finish(statusOfReset(reset));
  }

  private finish(status: GrpcStatus | null): void {
    const reader = this.reader;
    this.reader = null;
    reader?.end(status ?? statusOfHttp(this.head?.status ?? 0));
  }

  private abandon(thrown: unknown): void {
    const code = thrown instanceof GrpcError
      ? thrown.code
      : StatusCode.internal;
    const reader = this.reader;
    this.cancel();
    reader?.end({ code, message: describe(thrown) });
  }
}

const CANCELLED: Reset = {
  code: ErrorCode.cancel,
  origin: "local",
  message: "call given up",
};

/**
 * The one answer of a unary call that `start` begins. Rejects with `GrpcError`: the server's status, DEADLINE_EXCEEDED
 * after `timeoutMs`, CANCELLED when `signal` aborts.
 */
export function callUnary(
  start: (reader: GrpcReader) => GrpcCall,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const { timeoutMs, signal } = options;
  const answer = Promise.withResolvers<Uint8Array>();
  let received: Uint8Array | null = null;
  const call = start({
    message(bytes) {
      received = bytes.slice();
    },
    end({ code, message }) {
      if (code !== StatusCode.ok) answer.reject(new GrpcError(code, message));
      else if (received !== null) answer.resolve(received);
      else answer.reject(new GrpcError(StatusCode.internal, "found no answer"));
    },
  });
  const giveUp = (code: number, message: string): void => {
    call.cancel();
    answer.reject(new GrpcError(code, message));
  };
  const abort = (): void => giveUp(StatusCode.cancelled, "given up");
  const timer = setTimeout(
    () => giveUp(StatusCode.deadlineExceeded, `no answer in ${timeoutMs} ms`),
    timeoutMs,
  );
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  return answer.promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  });
}
