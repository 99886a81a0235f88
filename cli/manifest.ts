import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, Problem } from "../schemas/problem.ts";
import type { World } from "./command.ts";

/** One input: a file, a page, or standard input. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** One document of a source. */
export interface Part {
  readonly source: string;
  /** From 1. */
  readonly number: number;
  /** Lines of the source before this document. */
  readonly line: number;
  readonly text: string;
}

/** The longest input: the longest text that V8 holds is a little more. */
const INPUT_MAX_BYTES = 500 * 1024 * 1024;
/** How long a server may take to answer. */
const FETCH_TIMEOUT_MS = 30_000;

/**
 * Reads what a command line names: `-` is standard input, `https://…` a page, a folder every file below it in lexical
 * order. Throws `config.invalid` when it cannot be read.
 */
export async function readSources(
  name: string,
  world: World,
): Promise<Source[]> {
  if (name === "-") {
    const bytes = await world.readInput(INPUT_MAX_BYTES);
    return [{ name: "standard input", text: decode(bytes, "standard input") }];
  }
  const url = parseUrl(name);
  if (url !== null) return [{ name, text: decode(await fetchPage(url), name) }];
  const sources: Source[] = [];
  for (const path of await listFiles(name)) {
    sources.push({ name: path, text: decode(await read(path), path) });
  }
  return sources;
}

/**
 * Splits a source at its document separators, keeping every byte: a separator at the start of a document is part of it.
 * Throws `manifest.invalid` where something follows a separator on its line.
 */
export function splitDocuments({ name, text }: Source): Part[] {
  const parts: Part[] = [];
  let from = 0;
  let line = 0;
  const push = (end: number, next: number) => {
    // Half a line end at the end of an input is a whole one.
    const part = text.slice(from, end).replace(/\r$/, "\r\n");
    parts.push({ source: name, number: parts.length + 1, line, text: part });
    line += countLines(text, from, next);
    from = next;
  };
  const marker = /^---(.*)(?:\n|$)/gm;
  for (let at = marker.exec(text); at !== null; at = marker.exec(text)) {
    if (at[0] === "") marker.lastIndex++;
    const rest = at[1]?.trim() ?? "";
    if (rest !== "" && !rest.startsWith("#")) {
      throw new Problem(
        "manifest.invalid",
        `${name}, document ${parts.length + 1}, line ${
          line + countLines(text, from, at.index) + 1
        }: invalid Yaml document separator: ${rest}`,
      );
    }
    const opens = text.slice(from, at.index).replace(/^\uFEFF/, "") === "";
    // Directives need the separator after them; they are no document of their own.
    const directed = /^(%.*\r?\n)+$/.test(text.slice(from, at.index));
    if (!opens && !directed) push(at.index, at.index + at[0].length);
  }
  if (from < text.length) push(text.length, text.length);
  return parts;
}

/** A place in a document, as people look it up. */
export function placeOf(part: Part, line: number): string {
  return `${part.source}, document ${part.number}, line ${part.line + line}`;
}

/** How many lines end between two positions. */
export function countLines(text: string, from: number, to: number): number {
  let count = 0;
  for (
    let at = text.indexOf("\n", from);
    at >= 0 && at < to;
    at = text.indexOf("\n", at + 1)
  ) {
    count++;
  }
  return count;
}

function parseUrl(name: string): URL | null {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]/i.test(name)) return null;
  const url = URL.parse(name);
  if (url !== null && url.protocol !== "https:") {
    throw notHttps();
  }
  return url;
}

async function fetchPage(url: URL): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const response = await fetch(url, { signal }).catch((cause: unknown) => {
    throw new Problem(
      "config.invalid",
      `unable to read URL "${url.href}": ${describe(cause)}`,
      { cause },
    );
  });
  if (response.status !== 200) {
    throw new Problem(
      "config.invalid",
      `unable to read URL "${url.href}", server reported ${response.status} ${response.statusText}, status code=${response.status}`,
    );
  }
  // A redirection may not lead where the name itself may not.
  if (!response.url.startsWith("https:")) throw notHttps();
  return new Uint8Array(await response.arrayBuffer());
}

function notHttps(): Problem {
  return new Problem("config.invalid", "only HTTPS URLs are allowed");
}

async function listFiles(path: string): Promise<string[]> {
  const info = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (!info.isDirectory()) return [path];
  const names = (await readdir(path)).sort();
  const files: string[] = [];
  for (const name of names) files.push(...await listFiles(join(path, name)));
  return files;
}

async function read(path: string): Promise<Uint8Array> {
  return await readFile(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

function unreadable(path: string, cause: unknown): Problem {
  return new Problem(
    "config.invalid",
    `Cannot read ${path}: ${describe(cause)}`,
    { cause },
  );
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch (cause) {
    throw new Problem(
      "manifest.invalid",
      `Cannot read ${name}: it is not text in UTF-8`,
      { cause },
    );
  }
}
