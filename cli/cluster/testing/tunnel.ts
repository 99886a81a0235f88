// The API server's end of a forwarded port, in tests.
import { createHash } from "node:crypto";
import type http from "node:http";
import type { Duplex } from "node:stream";
import { encodeFrame } from "../websocket.ts";

/** A mask that leaves bytes as they are. */
export const NO_MASK = new Uint8Array(4);

/** Turns a request for a tunnel into one. */
export function acceptTunnel(
  { headers }: http.IncomingMessage,
  socket: Duplex,
): void {
  const accept = createHash("sha1").update(
    `${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
  ).digest("base64");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
      `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
      `Sec-WebSocket-Protocol: ${headers["sec-websocket-protocol"]}\r\n\r\n`,
  );
}

/** A server's frames are not masked. */
export function frame(opcode: number, ...bytes: readonly number[]): Uint8Array {
  const masked = encodeFrame(opcode, Uint8Array.from(bytes), NO_MASK);
  const header = masked[1] === 0xfe ? 4 : 2;
  const plain = masked.slice();
  plain[1] = (plain[1] ?? 0) & 0x7f;
  return Buffer.concat([
    plain.subarray(0, header),
    plain.subarray(header + 4),
  ]);
}

/** Frames of a client in one chunk. */
export function readMasked(
  chunk: Buffer,
): { opcode: number; payload: Uint8Array }[] {
  const frames: { opcode: number; payload: Uint8Array }[] = [];
  let at = 0;
  while (at < chunk.length) {
    const short = (chunk[at + 1] ?? 0) & 0x7f;
    const header = short === 126 ? 4 : 2;
    const length = short === 126 ? chunk.readUInt16BE(at + 2) : short;
    const mask = chunk.subarray(at + header, at + header + 4);
    const from = at + header + 4;
    const payload = chunk.subarray(from, from + length).map((byte, i) =>
      byte ^ (mask[i & 3] ?? 0)
    );
    frames.push({ opcode: (chunk[at] ?? 0) & 0xf, payload });
    at = from + length;
  }
  return frames;
}
