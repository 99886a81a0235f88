/** Frame types (RFC 9113 6). */
export const FrameType = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

/** Frame flags; their meaning depends on the type. */
export const Flag = {
  none: 0x0,
  endStream: 0x1,
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

export const FRAME_HEADER_BYTES = 9;
/** Payload size every peer takes (RFC 9113 4.2), one TLS record; we never offer more, bodies gain nothing from it. */
export const DEFAULT_FRAME_BYTES = 16_384;
/** Largest value SETTINGS_MAX_FRAME_SIZE may have. */
export const MAX_FRAME_BYTES = 16_777_215;
/** Window of a stream or connection before anybody changes it (RFC 9113 6.9.2). */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** Largest window, stream id and increment: 31 bits. */
export const MAX_31_BITS = 0x7fff_ffff;
export const PING_BYTES = 8;

/** What a client sends first (RFC 9113 3.4). */
export const PREFACE: Uint8Array = new TextEncoder().encode(
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
);

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24 | (bytes[at + 1] ?? 0) << 16 |
    (bytes[at + 2] ?? 0) << 8 | (bytes[at + 3] ?? 0)) >>> 0;
}

export function writeUint32(
  bytes: Uint8Array,
  at: number,
  value: number,
): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function writeFrameHeader(
  bytes: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeUint32(bytes, at + 5, streamId);
}
