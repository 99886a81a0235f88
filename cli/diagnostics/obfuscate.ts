import { createHash } from "node:crypto";

/** Labels that tell who talks to whom. */
const SECRET = new Set([
  "authority",
  "client_id",
  "server_id",
  "target_addr",
  "dst_service",
  "dst_namespace",
]);
/** A line that is no comment. */
const SAMPLE = /^[^#\n].*$/gm;
/** A label and its value, in which quotes and backslashes are escaped. */
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
/** Enough to tell values apart, too little to find them again in a list of all others. */
const DIGITS = 8;

/** Prometheus text in which the values of telling labels are hashes: the same value has the same hash. */
export function obfuscate(text: string): string {
  return text.replaceAll(
    SAMPLE,
    (line) =>
      line.replaceAll(
        LABEL,
        (pair, name: string, value: string) =>
          SECRET.has(name) ? `${name}="${hash(unescape(value))}"` : pair,
      ),
  );
}

function unescape(value: string): string {
  return value.replaceAll(
    /\\(.)/g,
    (_, letter: string) => letter === "n" ? "\n" : letter,
  );
}

function hash(value: string): string {
  return createHash("sha256").update(value).digest("hex").slice(0, DIGITS);
}
