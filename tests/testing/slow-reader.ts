// `… | bun tests/testing/slow-reader.ts`: reads standard input with a pause now and then, while which it takes nothing,
// and prints the octets and their SHA-256.
import { readSync } from "node:fs";

/** Octets between two pauses, and how long a pause is. */
const PAUSE_EVERY = 200_000_000;
const PAUSE_MS = 1_000;

const hasher = new Bun.CryptoHasher("sha256");
const buffer = new Uint8Array(1 << 20);
let octets = 0;
for (;;) {
  const size = readSync(0, buffer);
  if (size === 0) break;
  hasher.update(buffer.subarray(0, size));
  const pauses = Math.floor(octets / PAUSE_EVERY);
  octets += size;
  if (Math.floor(octets / PAUSE_EVERY) > pauses) Bun.sleepSync(PAUSE_MS);
}
process.stdout.write(`${octets} ${hasher.digest("hex")}\n`);
