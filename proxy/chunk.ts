/** The octets of `bytes` from `from` to `to`, in place. The whole of it, as is most common, costs no view. */
export function partOf(
  bytes: Uint8Array,
  from: number,
  to: number,
): Uint8Array {
  return from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to);
}

/** The octets of `first` and then those of `second`, copied. */
export function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

/**
 * Gives the memory of a chunk back, which is nobody's after its reader's turn. The collector would let dozens of megabytes
 * of them gather under a fast stream.
 */
export function free(chunk: Uint8Array): void {
  if (chunk.length >= FREED_BYTES) (chunk.buffer as ArrayBuffer).transfer(0);
}

/** A chunk this large is worth a call to be rid of it: smaller ones are few bytes in flight at a time. */
const FREED_BYTES = 16_384;
