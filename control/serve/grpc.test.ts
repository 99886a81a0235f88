import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  type HandlerContext,
} from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
} from "@connectrpc/connect-node";
import {
  Destination,
  type Update,
  UpdateSchema,
} from "../../schemas/proto/gen/destination_pb.ts";
import { createMetrics } from "../metrics.ts";
import { serveGrpc } from "./grpc.ts";
import { observeCalls } from "./observe.ts";

const ADDRESS = { host: "127.0.0.1", port: 0 };

/** More than the 100 or 128 streams that HTTP/2 servers allow by default. */
const MANY = 600;

/** A server whose streams say one thing, then wait for their end. */
async function open() {
  const metrics = createMetrics();
  let waiting = 0;
  let onReleased = (): void => {};
  async function* get(
    { path }: { path: string },
    { signal }: HandlerContext,
  ): AsyncGenerator<Update> {
    if (path === "missing") throw new ConnectError("gone", Code.NotFound);
    waiting++;
    try {
      yield create(UpdateSchema, {
        update: { case: "noEndpoints", value: { exists: true } },
      });
      if (path === "deaf") await new Promise(() => {});
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    } finally {
      waiting--;
      onReleased();
    }
  }
  const server = await serveGrpc({
    address: ADDRESS,
    observe: observeCalls(metrics),
    routes: (router) => router.service(Destination, { get }),
  });
  const baseUrl = `http://127.0.0.1:${server.port}`;
  return {
    ...server,
    baseUrl,
    metrics,
    waiting: () => waiting,
    released: () => new Promise<void>((resolve) => onReleased = resolve),
    client: createClient(Destination, createGrpcTransport({ baseUrl })),
  };
}

/** Opens a stream, waits for its first message, and tells how it ends. */
async function openStream(
  client: Client<typeof Destination>,
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly ended: Promise<string> }> {
  const options = signal === undefined ? {} : { signal };
  const messages = client.get({ path }, options)[Symbol.asyncIterator]();
  await messages.next();
  return { ended: endOf(messages) };
}

async function endOf(messages: AsyncIterator<unknown>): Promise<string> {
  try {
    return (await messages.next()).done ? "OK" : "another message";
  } catch (error) {
    return Code[ConnectError.from(error).code];
  }
}

describe("serveGrpc()", () => {
  test("carries many streams on one connection, and ends them with OK when it closes", async () => {
    const server = await open();
    const streams = await Promise.all(
      Array.from({ length: MANY }, () => openStream(server.client, "x")),
    );
    expect(server.waiting()).toBe(MANY);
    expect(server.metrics.render()).toMatch(
      new RegExp(`^grpc_server_open_streams{.*} ${MANY}$`, "m"),
    );
    await server.close();
    const ends = await Promise.all(streams.map(({ ended }) => ended));
    expect(new Set(ends)).toEqual(new Set(["OK"]));
    expect(server.waiting()).toBe(0);
    expect(server.metrics.render()).toMatch(
      new RegExp(`^grpc_server_handled_total{.*grpc_code="OK"} ${MANY}$`, "m"),
    );
    await expect(fetch(server.baseUrl)).rejects.toThrow();
  });

  test("ends a stream whose implementation does not listen", async () => {
    const server = await open();
    const { ended } = await openStream(server.client, "deaf");
    await server.close();
    expect(await ended).toBe("OK");
  });

  test("releases a stream when its client cancels", async () => {
    const server = await open();
    const controller = new AbortController();
    const { ended } = await openStream(server.client, "x", controller.signal);
    const released = server.released();
    controller.abort();
    await released;
    expect(await ended).toBe("Canceled");
    await server.close();
    expect(server.metrics.render()).toMatch(
      /^grpc_server_open_streams{.*} 0$/m,
    );
  });

  test("releases a stream when its connection breaks", async () => {
    const server = await open();
    const released = server.released();
    const body = envelope('{"path":"x"}');
    const socket = connect(server.port, "127.0.0.1");
    socket.write(
      `POST /io.linkerd.proxy.destination.Destination/Get HTTP/1.1\r\nhost: x\r\ncontent-type: application/connect+json\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
    await readUntil(socket, "noEndpoints");
    socket.destroy();
    await released;
    await server.close();
  });

  test("speaks JSON over HTTP/1.1 on the same port, streams included", async () => {
    const server = await open();
    const client = createClient(
      Destination,
      createConnectTransport({
        baseUrl: server.baseUrl,
        httpVersion: "1.1",
        useBinaryFormat: false,
      }),
    );
    const { ended } = await openStream(client, "x");
    const missing = client.get({ path: "missing" })[Symbol.asyncIterator]();
    expect(await endOf(missing)).toBe("NotFound");
    expect((await fetch(server.baseUrl)).status).toBe(404);
    await server.close();
    expect(await ended).toBe("OK");
  });

  test("knows HTTP/2 by a preface that comes in pieces, and says that streams are not limited", async () => {
    const server = await open();
    const socket = connect(server.port, "127.0.0.1");
    socket.setNoDelay(true);
    for (const piece of ["PRI * HT", "TP/2.0\r\n\r", "\nSM\r\n\r\n"]) {
      await new Promise((resolve) => socket.write(piece, resolve));
    }
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])); // empty SETTINGS
    // SETTINGS_MAX_CONCURRENT_STREAMS (3) of 2^32 - 1
    await readUntil(socket, "\x00\x03\xff\xff\xff\xff");
    socket.destroy();
    await server.close();
  });

  test("closes at once a connection that has said nothing", async () => {
    const server = await open();
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    const closed = once(socket, "close");
    await server.close();
    await closed;
  });

  test("says which address it cannot have", async () => {
    const server = await open();
    await expect(serveGrpc({
      address: { host: "127.0.0.1", port: server.port },
      observe: observeCalls(createMetrics()),
      routes: () => {},
    })).rejects.toThrow(`Cannot listen on 127.0.0.1:${server.port}`);
    await server.close();
  });
});

/** A message of a Connect stream. */
function envelope(json: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(json), 1);
  return Buffer.concat([head, Buffer.from(json)]);
}

async function readUntil(socket: Socket, wanted: string): Promise<void> {
  let seen = "";
  while (!seen.includes(wanted)) {
    const [chunk] = await once(socket, "data");
    seen += chunk.toString("latin1");
  }
}
