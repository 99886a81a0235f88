import { MAX_MESSAGE_BYTES } from "../wire/reader.ts";
import { GrpcError, StatusCode } from "./status.ts";

/** One byte of flags and four of length stand before every message (gRPC over HTTP/2). */
const PREFIX_BYTES = 5;

/** A message with its prefix, uncompressed. */
export function frameMessage(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(PREFIX_BYTES + message.length);
  new DataView(framed.buffer).setUint32(1, message.length);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

const NOTHING = new Uint8Array(0);

/** Cuts a stream of chunks into messages; throws `GrpcError` on compressed and oversized ones. */
export class FrameReader {
  private readonly prefix = new Uint8Array(PREFIX_BYTES);
  private prefixLength = 0;
  /** The message being gathered; grows with what has arrived, not with what was announced. */
  private body: Uint8Array = NOTHING;
  private bodyLength = 0;
  private expected = 0;

  /** True between messages: where a stream may end. */
  get atBoundary(): boolean {
    return this.prefixLength === 0;
  }

  /** Calls `deliver` for each message completed by `chunk`; its bytes are only good during the call. */
  push(chunk: Uint8Array, deliver: (message: Uint8Array) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.prefixLength < PREFIX_BYTES) {
        this.prefix[this.prefixLength++] = chunk[at++] ?? 0;
        if (this.prefixLength < PREFIX_BYTES) continue;
        this.expected = messageLength(this.prefix);
      }
      const take = Math.min(
        this.expected - this.bodyLength,
        chunk.length - at,
      );
      const piece = chunk.subarray(at, at + take);
      at += take;
      if (this.bodyLength === 0 && take === this.expected) {
        this.restart();
        deliver(piece);
      } else {
        this.append(piece);
        if (this.bodyLength === this.expected) {
          const message = this.body.subarray(0, this.bodyLength);
          this.restart();
          deliver(message);
        }
      }
    }
  }

  private append(piece: Uint8Array): void {
    const wanted = this.bodyLength + piece.length;
    if (wanted > this.body.length) {
      const room = Math.min(
        this.expected,
        Math.max(wanted, 2 * this.body.length),
      );
      const bigger = new Uint8Array(room);
      bigger.set(this.body.subarray(0, this.bodyLength));
      this.body = bigger;
    }
    this.body.set(piece, this.bodyLength);
    this.bodyLength = wanted;
  }

  private restart(): void {
    this.prefixLength = 0;
    this.body = NOTHING;
    this.bodyLength = 0;
  }
}

function messageLength(prefix: Uint8Array): number {
  if (prefix[0] !== 0) {
    throw new GrpcError(
      StatusCode.internal,
      `found message flags ${
        prefix[0]
      }, expected 0: compression was not offered`,
    );
  }
  const length = new DataView(prefix.buffer).getUint32(1);
  if (length > MAX_MESSAGE_BYTES) {
    throw new GrpcError(
      StatusCode.resourceExhausted,
      `found a message of ${length} bytes, expected ${MAX_MESSAGE_BYTES} at most`,
    );
  }
  return length;
}
