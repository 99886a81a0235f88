import { createServer as createHttp1 } from "node:http";
import {
  createServer as createHttp2,
  type ServerHttp2Session,
} from "node:http2";
import { createServer, type Socket } from "node:net";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { ListenAddress } from "../config/address.ts";
import { listen } from "./listen.ts";
import { sniff } from "./sniff.ts";
import { endStreams } from "./streams.ts";

/** A running server of control APIs. */
export interface GrpcServer {
  readonly port: number;
  /** Accepts no more, ends streams with OK, lets other calls finish, and closes what is left after `DRAIN_MS`. */
  readonly close: () => Promise<void>;
}

export interface GrpcOptions {
  readonly address: ListenAddress;
  readonly routes: (router: ConnectRouter) => void;
  /** `observeCalls` of the program's metrics: one for all its servers. */
  readonly observe: Interceptor;
}

/** No limit, as in Linkerd (2^32 - 1 is what HTTP/2 can say): a proxy opens a stream per target on one connection. */
const MAX_STREAMS = 2 ** 32 - 1;

/** Requests are names, a token of 1 to 2 KiB and a CSR of 300 bytes. */
const MAX_REQUEST_BYTES = 64 * 1_024;

/** How long calls in flight may take to end: less than the grace a kubelet gives, more than a token review takes. */
const DRAIN_MS = 15_000;

/**
 * Serves Connect routes in plaintext: gRPC over HTTP/2 for proxies, and on the same port Connect and JSON over HTTP/1.1
 * for people with curl. TLS is the business of the proxy in front.
 */
export async function serveGrpc(options: GrpcOptions): Promise<GrpcServer> {
  const shutdown = new AbortController();
  const handle = connectNodeAdapter({
    routes: options.routes,
    interceptors: [options.observe, endStreams(shutdown.signal)],
    shutdownSignal: shutdown.signal,
    readMaxBytes: MAX_REQUEST_BYTES,
    acceptCompression: [],
  });
  const sessions = new Set<ServerHttp2Session>();
  const http2 = createHttp2(
    { settings: { maxConcurrentStreams: MAX_STREAMS } },
    handle,
  );
  http2.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
  });
  // One request per HTTP/1 connection: then closing down needs no thought of idle ones.
  const http1 = createHttp1((request, response) => {
    response.setHeader("connection", "close");
    handle(request, response);
  });

  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    sniff(socket, { http2, http1 }, shutdown.signal);
  });
  const port = await listen(listener, options.address);

  const close = async (): Promise<void> => {
    listener.close();
    shutdown.abort();
    for (const session of sessions) session.close();
    await allClosed(sockets, DRAIN_MS);
    for (const socket of sockets) socket.destroy();
  };
  return { port, close };
}

/** Resolves when the set, from which sockets leave as they close, is empty, or after `limitMs`. */
function allClosed(sockets: Set<Socket>, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    const check = (): void => {
      if (sockets.size > 0) return;
      clearTimeout(timer);
      resolve();
    };
    for (const socket of sockets) socket.on("close", check);
    check();
  });
}
