import { afterAll, beforeAll, expect, test } from "bun:test";
import type http from "node:http";
import type { Duplex } from "node:stream";
import { ApiError } from "../cluster.ts";
import {
  open,
  startServer,
  type TestServer,
  writeKubeconfig,
} from "./testing/api-server.ts";
import { acceptTunnel, frame, NO_MASK, readMasked } from "./testing/tunnel.ts";
import { encodeFrame, frameReader, OPCODE } from "./websocket.ts";

let server: TestServer;
const tunnels: Duplex[] = [];

/** Pods named `web` are echoes that speak HTTP; no other Pod is there. */
beforeAll(async () => {
  server = await startServer((_, response) =>
    response.writeHead(404).end(
      JSON.stringify({ reason: "NotFound", message: 'pods "x" not found' }),
    )
  );
  server.https.on("upgrade", (request: http.IncomingMessage, socket) => {
    tunnels.push(socket);
    socket.on("error", () => socket.destroy());
    if (!request.url?.includes("/pods/web/")) {
      const body = '{"reason":"NotFound","message":"pods \\"x\\" not found"}';
      socket.end(
        `HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      return;
    }
    acceptTunnel(request, socket);
    serve(socket);
  });
});
afterAll(() => server.close());

function serve(socket: Duplex): void {
  socket.write(frame(OPCODE.binary, 0, 0x90, 0x1f)); // channel 0: port 8080
  socket.write(frame(OPCODE.binary, 1, 0x90, 0x1f));
  socket.write(frame(OPCODE.ping, 1, 2, 3));
  let head = "";
  socket.on("data", (chunk: Buffer) => {
    for (const { opcode, payload } of readMasked(chunk)) {
      if (opcode !== OPCODE.binary) continue;
      head += Buffer.from(payload.subarray(1)).toString();
      if (!head.endsWith("\r\n\r\n")) continue;
      const body = "x".repeat(70_000);
      const answer = Buffer.from(
        `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      for (let at = 0; at < answer.length; at += 30_000) {
        socket.write(
          frame(OPCODE.binary, 0, ...answer.subarray(at, at + 30_000)),
        );
      }
      head = "";
    }
  });
}

test("a port of a Pod is a port of this machine", async () => {
  const path = await writeKubeconfig(server, { token: "t" });
  const cluster = await open([`--kubeconfig=${path}`]);
  const forward = await cluster.forward(
    { namespace: "shop", name: "web" },
    8080,
  );
  for (let round = 0; round < 2; round++) {
    const response = await fetch(`${forward.url}/metrics`);
    expect((await response.text()).length).toBe(70_000);
  }
  await forward.close();
  await expect(fetch(forward.url)).rejects.toThrow();
});

test("a Pod that is not there is an error at once", async () => {
  const path = await writeKubeconfig(server, { token: "t" });
  const cluster = await open([`--kubeconfig=${path}`]);
  const opened = cluster.forward({ namespace: "shop", name: "x" }, 8080);
  expect(await opened.catch((error: unknown) => error)).toEqual(
    new ApiError(404, "NotFound", 'pods "x" not found'),
  );
});

test("frames of any length come out of bytes cut anywhere", () => {
  const frames = [0, 125, 126, 65_535, 65_536].map((length) =>
    Uint8Array.from({ length }, (_, at) => at & 0xff)
  );
  const server = Buffer.concat(frames.map((payload) => {
    const masked = encodeFrame(OPCODE.binary, payload, NO_MASK);
    const header = masked.length - payload.length - 4;
    const plain = masked.slice();
    plain[1] = (plain[1] ?? 0) & 0x7f;
    return Buffer.concat([plain.subarray(0, header), payload]);
  }));
  for (const size of [7, 4096, server.length]) {
    const read = frameReader();
    const found: Uint8Array[] = [];
    for (let at = 0; at < server.length; at += size) {
      const chunk = server.subarray(at, at + size);
      for (const { payload } of read(chunk)) found.push(payload.slice());
    }
    expect(found.map(({ length }) => length)).toEqual(
      frames.map(({ length }) => length),
    );
    expect(found.at(-1)).toEqual(frames.at(-1) ?? new Uint8Array());
  }
});
