import { Buffer } from "node:buffer";
import { type ClientHttp2Stream, connect } from "node:http2";
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { describe } from "../../schemas/problem.ts";
import { frame, unframe } from "./frames.ts";
import { GrpcError, readStatus } from "./status.ts";

/** A method of an API, unary or answering with a stream: on the wire they differ in nothing but how many answers come. */
type Method<I extends DescMessage, O extends DescMessage> = DescMethod & {
  readonly input: I;
  readonly output: O;
};

/** A gRPC API in plaintext. */
export interface GrpcClient {
  /**
   * Calls a method and yields what it answers until the server, or the caller by `signal` or by leaving the loop, has
   * enough. Throws `GrpcError`.
   */
  readonly call: <I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal,
  ) => AsyncGenerator<MessageShape<O>>;
  readonly close: () => void;
}

/** How long nobody may answer at an address: loopback, or a forwarded port. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens a client of a gRPC API at an `http:` URL: the little that asking questions takes, over `node:http2`, because
 * Linkerd's control plane speaks nothing else (docs/decisions/0089).
 */
export function openGrpc(url: string): GrpcClient {
  const session = connect(url);
  let failure: Error | undefined;
  session.on("error", (error) => failure = error);
  const timer = setTimeout(() => {
    failure = new Error(
      `no answer from ${url} within ${CONNECT_TIMEOUT_MS} ms`,
    );
    session.destroy(failure);
  }, CONNECT_TIMEOUT_MS);
  // Only settings show that HTTP/2 is spoken: a forwarded port accepts before anybody listens behind it.
  session.on("remoteSettings", () => clearTimeout(timer));
  session.on("close", () => clearTimeout(timer));

  async function* call<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<O>> {
    if (failure !== undefined) throw lost(failure);
    const stream = session.request({
      ":method": "POST",
      ":path": `/${method.parent.typeName}/${method.name}`,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const answer = watchAnswer(stream);
    const cancel = () => stream.destroy();
    signal.addEventListener("abort", cancel);
    try {
      const message = toBinary(method.input, create(method.input, request));
      stream.end(Buffer.from(frame(message)));
      for await (const bytes of unframe(stream)) {
        yield fromBinary(method.output, bytes);
      }
      await answer.ended;
    } catch (error) {
      if (!signal.aborted) throw failure === undefined ? error : lost(failure);
    } finally {
      signal.removeEventListener("abort", cancel);
      stream.destroy();
    }
    if (signal.aborted) return;
    if (failure !== undefined) throw lost(failure);
    const status = answer.status();
    if (status instanceof Error) throw status;
  }
  return { call, close: () => session.destroy() };
}

/** Notes how a call went: headers may hold the status too, and Deno shows them after the first data. */
function watchAnswer(stream: ClientHttp2Stream): {
  readonly ended: Promise<void>;
  readonly status: () => GrpcError | "OK";
} {
  let http: number | undefined;
  let status: GrpcError | "OK" | undefined;
  stream.on("response", (headers) => {
    http = headers[":status"];
    status ??= readStatus(headers);
  });
  stream.on("trailers", (trailers) => status ??= readStatus(trailers));
  const ended = new Promise<void>((resolve) => stream.on("close", resolve));
  return {
    ended,
    status: () =>
      status ??
        (http === undefined || http === 200
          ? new GrpcError("Unavailable", "the stream ended without a status")
          : new GrpcError("Unknown", `unexpected HTTP status ${http}`)),
  };
}

function lost(error: Error): GrpcError {
  return new GrpcError("Unavailable", describe(error));
}
