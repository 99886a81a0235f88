import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type http from "node:http";
import net, { type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Forward } from "../cluster.ts";
import { encodeFrame, frameReader, OPCODE } from "./websocket.ts";

/** Channels of one forwarded port: what goes through, and what went wrong. */
const DATA = 0;
const ERROR = 1;
/** How long the API server may take to reach a Pod. */
const OPEN_TIMEOUT_MS = 30_000;
/** Kubernetes' framing of streams in WebSocket messages: a byte that names the channel, then bytes. */
export const CHANNEL_PROTOCOL = "v4.channel.k8s.io";

/** A WebSocket of the API server, and what came with its greeting. */
export interface Tunnel {
  readonly socket: Duplex;
  readonly early: Uint8Array;
}

/**
 * Listens on loopback and carries every connection through a tunnel of its own. The first tunnel is opened at once, so
 * that a Pod that is not there is an error here and not a connection that breaks.
 */
export async function startForward(
  open: () => Promise<Tunnel>,
): Promise<Forward> {
  let ready: Promise<Tunnel> | undefined = Promise.resolve(await open());
  const locals = new Set<Socket>();
  const tunnels = new Set<Duplex>();
  const server = net.createServer((local) => {
    locals.add(local);
    local.once("close", () => locals.delete(local));
    local.on("error", () => local.destroy());
    const tunnel = ready ?? open();
    ready = undefined;
    tunnel.then((to) => {
      tunnels.add(to.socket);
      to.socket.once("close", () => tunnels.delete(to.socket));
      relay(local, to);
    }, () => local.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.close();
      for (const local of locals) local.destroy();
      // Not waiting for the API server to hang up, too: that may take it as long as it likes.
      for (const socket of tunnels) socket.destroy();
      (await ready)?.socket.destroy();
    },
  };
}

/** Asks the API server for a WebSocket; `refused` makes an error of any other answer. */
export function openTunnel(
  request: http.ClientRequest,
  refused: (answer: http.IncomingMessage) => Promise<Error>,
): Promise<Tunnel> {
  const { promise, resolve, reject } = Promise.withResolvers<Tunnel>();
  request.on("error", reject);
  request.on(
    "response",
    (answer) => void refused(answer).then(reject, reject),
  );
  request.on("upgrade", (_, socket, early) => {
    socket.on("error", () => socket.destroy());
    resolve({ socket, early });
  });
  const timer = setTimeout(
    () => request.destroy(new Error("the API server did not answer in time")),
    OPEN_TIMEOUT_MS,
  );
  request.end();
  return promise.finally(() => clearTimeout(timer));
}

/** Carries bytes both ways until either end is done. */
function relay(local: Socket, { socket, early }: Tunnel): void {
  if (socket.destroyed) {
    local.destroy();
    return;
  }
  const read = frameReader();
  /** Each channel begins with the port's number, two bytes, which says nothing new. */
  const skip = [2, 2];
  let channel = DATA;
  const send = (opcode: number, payload: Uint8Array) =>
    socket.write(encodeFrame(opcode, payload, randomBytes(4)));
  const take = (payload: Uint8Array) => {
    const greeting = Math.min(skip[channel] ?? 0, payload.length);
    skip[channel] = (skip[channel] ?? 0) - greeting;
    const bytes = payload.subarray(greeting);
    if (bytes.length === 0) return;
    if (channel === ERROR) local.destroy();
    else if (!local.write(bytes)) socket.pause();
  };
  const onBytes = (chunk: Uint8Array) => {
    try {
      for (const { opcode, payload } of read(chunk)) {
        if (opcode === OPCODE.ping) send(OPCODE.pong, payload);
        else if (opcode === OPCODE.close) local.end();
        else if (opcode === OPCODE.continuation) take(payload);
        else if (opcode === OPCODE.binary || opcode === OPCODE.text) {
          channel = payload[0] ?? DATA;
          take(payload.subarray(1));
        }
      }
    } catch {
      local.destroy();
    }
  };
  socket.on("data", onBytes);
  socket.on("drain", () => local.resume());
  socket.on("error", () => local.destroy());
  socket.on("close", () => local.end());
  local.on("drain", () => socket.resume());
  local.on("data", (chunk: Uint8Array) => {
    const message = new Uint8Array(chunk.length + 1);
    message[0] = DATA;
    message.set(chunk, 1);
    if (!send(OPCODE.binary, message)) local.pause();
  });
  local.on("close", () => {
    send(OPCODE.close, new Uint8Array(0));
    socket.end();
  });
  if (early.length > 0) onBytes(early);
}
