// `bun tests/testing/grpc-server.ts port...`: the Echo service on each port; whatever else is asked in HTTP/2 is answered
// with JSON that says what was heard.
import { createServer } from "node:http2";
import {
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
} from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Echo, type Words } from "./proto/gen/echo_pb.ts";

let running = 0;

/** Shows the caller's name and metadata in the response's own. */
function reflect({ requestHeader, ...context }: HandlerContext): void {
  for (const name of ["l5d-client-id", "x-word"]) {
    const value = requestHeader.get(name) ?? "none";
    context.responseHeader.set(`heard-${name}`, value);
  }
  context.responseTrailer.set("x-last", "bye");
}

function routes({ service }: ConnectRouter): void {
  service(Echo, {
    say({ text, times }, context) {
      reflect(context);
      return { text, times };
    },
    async *repeat({ text, times }, { signal }) {
      running++;
      // Not in a finally block: a stream that waits for its client's window is never woken under Bun, only told.
      signal.addEventListener("abort", () => running--, { once: true });
      for (let sent = 0; sent < times && !signal.aborted; sent++) {
        yield { text, times: sent };
      }
    },
    async collect(words: AsyncIterable<Words>) {
      const texts: string[] = [];
      for await (const { text } of words) texts.push(text);
      return { text: texts.join(" "), times: texts.length };
    },
    async *chat(words) {
      for await (const { text, times } of words) yield { text, times };
    },
    async *fail({ code, message, after }) {
      for (let sent = 0; sent < after; sent++) yield { text: "so far" };
      throw new ConnectError(message, code);
    },
    running: () => ({ calls: running }),
  });
}

const ports = process.argv.slice(2).map(Number);
await Promise.all(ports.map((port) => {
  const server = createServer(connectNodeAdapter({
    routes,
    fallback(request, response) {
      let bytes = 0;
      request.on("data", (chunk: Uint8Array) => bytes += chunk.length);
      request.on("end", () => {
        const { method, url, headers } = request;
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ method, url, headers, bytes }));
      });
    },
  }));
  return new Promise<void>((done) => server.listen(port, "0.0.0.0", done));
}));
process.stdout.write("ready\n");
