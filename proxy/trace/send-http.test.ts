import { afterEach, expect, test } from "bun:test";
import { dial } from "../connect.ts";
import type { SocketAddress } from "../../schemas/address.ts";
import type { Send } from "./exporter.ts";
import { sendByHttp } from "./send-http.ts";

const BODY = new TextEncoder().encode('{"resourceSpans":[]}');
const NEVER = new AbortController().signal;

let stops: (() => unknown)[] = [];
afterEach(() => {
  for (const stop of stops) stop();
  stops = [];
});

/** A sender to a collector on loopback. */
function sendTo(port: number, timeoutMs = 20_000): Send {
  return sendByHttp({
    host: "collector.test",
    port,
    resolve: () => Promise.resolve(["127.0.0.1"]),
    dial: (address: SocketAddress) =>
      dial(address, { timeoutMs: 20_000, tcp: {}, tls: null }),
    random: Math.random,
    timeoutMs,
  });
}

/** A collector that answers so. */
function collector(answer: (request: Request) => Response | Promise<Response>) {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  stops.push(() => server.stop(true));
  return Number(server.port);
}

/** One that says these bytes on every connection that has asked. */
function babbler(text: string): number {
  const server = Bun.listen({
    port: 0,
    hostname: "127.0.0.1",
    socket: { data: (socket) => void socket.write(text) },
  });
  stops.push(() => server.stop(true));
  return server.port;
}

test("spans are posted as JSON, over one connection", async () => {
  const seen: string[] = [];
  const clients = new Set<number>();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request, { requestIP }) {
      const { pathname, host } = new URL(request.url);
      clients.add(requestIP.call(server, request)?.port ?? 0);
      seen.push(
        `${request.method} ${pathname} ${host} ${
          request.headers.get("content-type")
        } ${await request.text()}`,
      );
      return Response.json({ partialSuccess: {} });
    },
  });
  stops.push(() => server.stop(true));
  const send = sendTo(Number(server.port));
  expect(await send(BODY, NEVER)).toEqual({ kind: "taken" });
  expect(await send(BODY, NEVER)).toEqual({ kind: "taken" });
  const line =
    `POST /v1/traces collector.test:${server.port} application/json {"resourceSpans":[]}`;
  expect(seen).toEqual([line, line]);
  expect(clients.size).toBe(1);
});

test("a status says whether the same spans may come again, and when", async () => {
  const statuses = [200, 202, 400, 401, 404, 413, 500, 429, 502, 503, 504];
  for (const status of statuses) {
    const port = collector(() =>
      new Response("", { status, headers: { "retry-after": "7" } })
    );
    const verdict = await sendTo(port)(BODY, NEVER);
    const isPassing = [429, 502, 503, 504].includes(status);
    const kind = status < 300 ? "taken" : isPassing ? "later" : "refused";
    expect(verdict.kind).toBe(kind);
    if (verdict.kind === "later") expect(verdict.afterMs).toBe(7_000);
  }
});

test("a collector that is not there, or answers with what is no HTTP, may be asked later", async () => {
  const closed = collector(() => new Response(""));
  await stops.pop()?.();
  for (const port of [closed, babbler("garbage\r\n\r\n"), babbler("\0\0")]) {
    expect(await sendTo(port, 1_000)(BODY, NEVER)).toMatchObject({
      kind: "later",
    });
  }
});

test("an answer without end is not read to its end", async () => {
  let given = 0;
  const port = collector(() =>
    new Response(
      new ReadableStream({
        async pull(controller) {
          given += 1;
          controller.enqueue(new Uint8Array(65_536));
          await Bun.sleep(1);
        },
      }),
    )
  );
  expect(await sendTo(port)(BODY, NEVER)).toEqual({ kind: "taken" });
  expect(given).toBeLessThan(100);
});

test("a collector that never answers is given up, by the clock or by the caller", async () => {
  const port = collector(() => new Promise<Response>(() => {}));
  const why = "it did not answer in time";
  expect(await sendTo(port, 50)(BODY, NEVER)).toMatchObject({
    kind: "later",
    why,
  });
  const stopping = new AbortController();
  const sent = sendTo(port)(BODY, stopping.signal);
  setTimeout(() => stopping.abort(), 20);
  expect(await sent).toMatchObject({ kind: "later", why });
  expect(await sendTo(port)(BODY, AbortSignal.abort())).toMatchObject({ why });
});

test("a connection that was closed while it was idle is not held against the collector", async () => {
  let answered = 0;
  const server = Bun.listen({
    port: 0,
    hostname: "127.0.0.1",
    socket: {
      data(socket) {
        answered += 1;
        // The second request of a connection is cut off.
        if (answered === 2) return void socket.terminate();
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      },
    },
  });
  stops.push(() => server.stop(true));
  const send = sendTo(server.port);
  expect(await send(BODY, NEVER)).toMatchObject({ kind: "taken" });
  expect(await send(BODY, NEVER)).toMatchObject({ kind: "taken" });
  expect(answered).toBe(3);
});
