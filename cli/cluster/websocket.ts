/** Kinds of WebSocket frames (RFC 6455, 5.2). */
export const OPCODE = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

export interface WebSocketFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** The longest frame taken: kubelets send what one read gave them, 32 KiB at most. */
const FRAME_MAX_BYTES = 1024 * 1024;
/** A header with the longest length and a mask (5.2). */
const HEADER_MAX_BYTES = 14;

/** A frame as a client sends it: whole, and masked with `mask`, four random bytes (5.3). */
export function encodeFrame(
  opcode: number,
  payload: Uint8Array,
  mask: Uint8Array,
): Uint8Array {
  const { length } = payload;
  const header = new Uint8Array(HEADER_MAX_BYTES);
  const view = new DataView(header.buffer);
  header[0] = 0x80 | opcode;
  let at = 2;
  if (length < 126) header[1] = 0x80 | length;
  else if (length < 65_536) {
    header[1] = 0x80 | 126;
    view.setUint16(2, length);
    at = 4;
  } else {
    header[1] = 0x80 | 127;
    view.setBigUint64(2, BigInt(length));
    at = 10;
  }
  header.set(mask, at);
  at += 4;
  const frame = new Uint8Array(at + length);
  frame.set(header.subarray(0, at));
  for (let i = 0; i < length; i++) {
    frame[at + i] = (payload[i] ?? 0) ^ (mask[i & 3] ?? 0);
  }
  return frame;
}

/** Takes frames out of bytes as they come from a server. Throws on one that is too long, or masked. */
export function frameReader(): (chunk: Uint8Array) => WebSocketFrame[] {
  let rest: Uint8Array = new Uint8Array(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : join(rest, chunk);
    const frames: WebSocketFrame[] = [];
    let at = 0;
    while (true) {
      const found = readFrame(bytes.subarray(at));
      if (found === undefined) break;
      frames.push(found.frame);
      at += found.size;
    }
    rest = bytes.subarray(at);
    return frames;
  };
}

function readFrame(
  bytes: Uint8Array,
): { readonly frame: WebSocketFrame; readonly size: number } | undefined {
  if (bytes.length < 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const short = view.getUint8(1);
  if (short > 127) throw new Error("a server sent a masked WebSocket frame");
  const from = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < from) return undefined;
  const length = short === 127
    ? Number(view.getBigUint64(2))
    : short === 126
    ? view.getUint16(2)
    : short;
  if (length > FRAME_MAX_BYTES) {
    throw new Error(`a WebSocket frame of ${length} bytes is too long`);
  }
  if (bytes.length < from + length) return undefined;
  return {
    frame: {
      opcode: view.getUint8(0) & 0x0f,
      payload: bytes.subarray(from, from + length),
    },
    size: from + length,
  };
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
