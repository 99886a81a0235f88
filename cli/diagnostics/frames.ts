import { Problem } from "../../schemas/problem.ts";

/** Flag and length before every message of gRPC. */
const PREFIX_BYTES = 5;
/** The longest message that clients of gRPC take unless told otherwise. */
const MESSAGE_MAX_BYTES = 4 * 1024 * 1024;

/** A message as gRPC carries it: uncompressed, its length before it. */
export function frame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(PREFIX_BYTES + message.length);
  new DataView(framed.buffer).setUint32(1, message.length);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/**
 * Takes messages out of the bytes of a stream, whatever pieces they come in. Throws `protocol.invalid` on a message that
 * is compressed, which nobody asked for, or too long.
 */
export async function* unframe(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let held = new Uint8Array(0);
  for await (const chunk of chunks) {
    held = join(held, chunk);
    for (;;) {
      const end = endOfFirst(held);
      if (end === undefined || held.length < end) break;
      yield held.subarray(PREFIX_BYTES, end);
      held = held.subarray(end);
    }
  }
  if (held.length > 0) throw invalid(`${held.length} bytes of the next one`);
}

function endOfFirst(bytes: Uint8Array): number | undefined {
  if (bytes.length < PREFIX_BYTES) return undefined;
  if (bytes[0] !== 0) throw invalid(`flag ${bytes[0]}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(1);
  if (length > MESSAGE_MAX_BYTES) throw invalid(`${length} bytes`);
  return PREFIX_BYTES + length;
}

function invalid(found: string): Problem {
  return new Problem(
    "protocol.invalid",
    `Cannot read the answer: found ${found}, expected whole gRPC messages, uncompressed, of at most ${MESSAGE_MAX_BYTES} bytes`,
    { hint: "is this the address of a control plane's gRPC API?" },
  );
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
