import type { Pod } from "../../demo/bed/pod.ts";
import { dial } from "../../proxy/connect.ts";
import { Field } from "../../proxy/http/field.ts";
import {
  type ClientConnection,
  NO_TRAILERS,
  type RequestHead,
  type Reset,
  type ResponseHead,
  type ResponseReader,
} from "../../proxy/http/message.ts";
import { connectHttp2 } from "../../proxy/http2/client.ts";
import { requestHead } from "../../proxy/testing/http1.ts";
import { EMPTY_MESSAGE } from "./application.ts";
import { inPod } from "./in-pod.ts";

/** What a request over HTTP/2 came to. */
export interface Outcome {
  readonly status: number;
  /** In the head or the trailers; null: none. */
  readonly grpcStatus: number | null;
  /** The code of RST_STREAM, of a response that broke off; null: it is complete. */
  readonly reset: number | null;
  /** What a proxy says about it; empty when it says nothing. */
  readonly error: string;
  readonly tookMs: number;
}

/** A client in a pod on one HTTP/2 connection. */
export interface Http2Client {
  /** A GET. */
  get(path: string): Promise<Outcome>;
  /** A gRPC call with an empty message, after which the client is silent: `open` says that it may go on speaking. */
  call(path: string, options?: { readonly open?: boolean }): Promise<Outcome>;
  close(): void;
}

/** Connects from a pod. */
export async function connectFrom(
  from: Pick<Pod, "netns">,
  ip: string,
  port: number,
): Promise<Http2Client> {
  const options = { timeoutMs: 10_000, tcp: {}, tls: null };
  const channel = await inPod(from, () => dial({ ip, port }, options));
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const go of waiting) go();
    waiting.clear();
  };
  const events = { ready: wake, retiring: wake, closed: wake };
  const connection = connectHttp2(channel, {}, events);
  const send = async (
    head: RequestHead,
    message: Uint8Array | null,
    open: boolean,
  ): Promise<Outcome> => {
    head.scheme = Field.of(":scheme", "http");
    while (!connection.ready) {
      if (connection.closed) throw new Error("the connection is closed");
      await new Promise<void>((go) => waiting.add(go));
    }
    return await exchange(connection, head, message, open);
  };
  const authority = `${ip}:${port}`;
  return {
    get: (path) =>
      send(requestHead("GET", path, { authority }, "2"), null, false),
    call: (path, { open = false } = {}) =>
      send(
        requestHead("POST", path, { authority, ...GRPC_FIELDS }, "2"),
        EMPTY_MESSAGE,
        open,
      ),
    close: () => connection.destroy(),
  };
}

const GRPC_FIELDS = { "content-type": "application/grpc", te: "trailers" };

function exchange(
  connection: ClientConnection,
  head: RequestHead,
  message: Uint8Array | null,
  open: boolean,
): Promise<Outcome> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    let answer: ResponseHead | null = null;
    const settle = (trailers: readonly Field[], reset: Reset | null): void => {
      const find = (name: string): string | undefined =>
        [...answer?.fields ?? [], ...trailers]
          .find((field) => field.name.text === name)?.text;
      const grpcStatus = find("grpc-status");
      resolve({
        status: answer?.status ?? 0,
        grpcStatus: grpcStatus === undefined ? null : Number(grpcStatus),
        reset: reset?.code ?? null,
        error: find("l5d-proxy-error") ?? "",
        tookMs: performance.now() - startMs,
      });
    };
    const reader: ResponseReader = {
      responseInformational() {},
      responseHead(got, ended) {
        answer = got;
        if (ended) settle(NO_TRAILERS, null);
      },
      responseData: () => true,
      responseEnd: (trailers) => settle(trailers, null),
      responseReset: (reset) => settle(NO_TRAILERS, reset),
      requestDrain() {},
    };
    const stream = connection.request(head, message === null, reader);
    if (message === null) return;
    stream.data(message);
    if (!open) stream.end(NO_TRAILERS);
  });
}
