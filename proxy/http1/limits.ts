/** Longest request or response head. Envoy's default is 60 KiB, hyper's about 400 KiB, Node's 16 KiB. */
export const MAX_HEAD_BYTES = 65_536;

/** Most fields in a head or a trailer section; hyper and Envoy stop at 100. */
export const MAX_FIELDS = 128;

/** Longest request target; RFC 9112 3 asks for at least 8,000 octets. */
export const MAX_TARGET_BYTES = 32_768;

/** Longest method; the longest registered one (UPDATEREDIRECTREF) has 17 octets. */
export const MAX_METHOD_BYTES = 32;

/** Longest trailer section. */
export const MAX_TRAILER_BYTES = 16_384;

/** Chunk extensions of one whole body, which nobody uses and attackers do (CVE-2024-22019). */
export const MAX_EXTENSION_BYTES = 16_384;

/** Digits of a chunk size: 2^48 bytes, exactly representable. */
export const MAX_CHUNK_SIZE_DIGITS = 12;

/** Digits of a content-length: below 2^53, exactly representable. */
export const MAX_LENGTH_DIGITS = 15;

/** Informational responses before a final one; 102 every few seconds of a long job, not a flood. */
export const MAX_INFORMATIONAL = 100;

/** Bytes kept of pipelined requests, or of a tunnel not yet taken over: what a socket delivers after it was paused. */
export const MAX_WAITING_BYTES = 1_048_576;

/** Rest of a request body that is read and dropped so that the connection can be used again. */
export const MAX_DISCARD_BYTES = 65_536;

/** Time for a complete head from its first byte; hyper's `header_read_timeout` is commonly 10 to 30 s. */
export const HEAD_TIMEOUT_MS = 10_000;

/** How long a closing connection listens on, so that the last answer is not lost to a reset (RFC 9112 9.6; nginx 5 s). */
export const LINGER_MS = 5_000;

/** Output of one event-loop turn after which pipelined requests wait for the next: above a channel's high-water mark. */
export const MAX_TURN_BYTES = 524_288;
