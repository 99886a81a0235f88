import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** Methods that have a number, which is their place here (http_types.proto). */
const METHODS: readonly string[] = [
  "GET",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "CONNECT",
  "HEAD",
  "TRACE",
];
const SCHEMES: readonly string[] = ["http", "https"];

/** The method of an `HttpMethod`; null when it has none. */
export function readMethod(reader: Reader): string | null {
  return readWord(reader, METHODS);
}

/** The scheme of a `Scheme`; null when it has none. */
export function readScheme(reader: Reader): string | null {
  return readWord(reader, SCHEMES);
}

export function writeMethod(writer: Writer, method: string): void {
  writeWord(writer, METHODS, method);
}

export function writeScheme(writer: Writer, scheme: string): void {
  writeWord(writer, SCHEMES, scheme);
}

/** By its number, or spelt out. */
function readWord(reader: Reader, words: readonly string[]): string | null {
  let word: string | null = null;
  while (reader.next()) {
    if (reader.field === 1) word = words[reader.uint32()] ?? null;
    else if (reader.field === 2) word = reader.string();
    else reader.skip();
  }
  return word;
}

function writeWord(
  writer: Writer,
  words: readonly string[],
  word: string,
): void {
  const number = words.indexOf(word);
  if (number === -1) writer.string(2, word);
  else writer.choice(1, number);
}
