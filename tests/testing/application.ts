import { createServer, type ServerHttp2Stream } from "node:http2";
import type { Pod } from "../../demo/bed/pod.ts";
import { inPod } from "./in-pod.ts";

type Place = Pick<Pod, "netns">;

/** A server in a pod that counts what it is asked; the test says what it answers. */
export interface Application {
  readonly asked: number;
  /** When it was asked last, on `performance.now()`'s clock. */
  readonly lastMs: number;
  /** Octets of all bodies that it has had. */
  readonly octets: number;
  close(): void;
}

/** What was asked: of gRPC the path is the method's. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  /** The how manieth request it is, from 1. */
  readonly nth: number;
}

/** The status that is answered: an HTTP status, or a gRPC one. */
type Answer = (asked: Asked) => number | Promise<number>;

class Counts {
  asked = 0;
  lastMs = 0;
  octets = 0;

  add(): number {
    this.lastMs = performance.now();
    return ++this.asked;
  }
}

/** Serves HTTP/1.1 on all addresses of a pod; bodies say the pod's name. */
export function serveHttp(
  pod: Place & { readonly name: string },
  port: number,
  answer: Answer = () => 200,
): Application {
  const counts = new Counts();
  const server = inPod(pod, () =>
    Bun.serve({
      port,
      hostname: "0.0.0.0",
      async fetch(request) {
        const nth = counts.add();
        const { method, url } = request;
        const body = await request.bytes();
        counts.octets += body.length;
        const path = new URL(url).pathname;
        const status = await answer({ method, path, nth });
        return new Response(pod.name, { status });
      },
    }));
  return Object.assign(counts, { close: () => void server.stop(true) });
}

/** An empty gRPC message. */
export const EMPTY_MESSAGE = new Uint8Array(5);

/**
 * Serves gRPC on all addresses of a pod: one empty message and status 0, or no message and another status, every other
 * time in trailers of their own.
 */
export function serveGrpc(
  pod: Place,
  port: number,
  answer: Answer = () => 0,
): Application {
  const counts = new Counts();
  const server = serveStreams(pod, port, async (stream, headers) => {
    const nth = counts.add();
    const { method, path } = headers;
    for await (const chunk of stream) counts.octets += chunk.length;
    const status = await answer({ method, path, nth });
    const trailers = { "grpc-status": `${status}` };
    const head = { ":status": 200, "content-type": "application/grpc" };
    if (status !== 0 && nth % 2 === 0) {
      return stream.respond({ ...head, ...trailers }, { endStream: true });
    }
    stream.respond(head, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(status === 0 ? EMPTY_MESSAGE : undefined);
  });
  return Object.assign(counts, { close: server.close });
}

/** Serves HTTP/2 without TLS on all addresses of a pod, a call per stream. */
export function serveStreams(
  pod: Place,
  port: number,
  serve: (
    stream: ServerHttp2Stream,
    request: { readonly method: string; readonly path: string },
  ) => void,
): { close(): void } {
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    // Whoever is reset has nothing more to say.
    stream.on("error", () => {});
    const { ":method": method = "", ":path": path = "" } = headers;
    serve(stream, { method, path });
  });
  // A Bun server makes its socket before `listen` returns.
  inPod(pod, () => server.listen(port, "0.0.0.0"));
  return {
    close() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}
