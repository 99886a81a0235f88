import { type Filter, LEVEL, levelOf } from "./log/filter.ts";
import { createLimiter } from "./log/limiter.ts";

/** What a line says besides its message; undefined is left out. Never keys, tokens or bodies. */
export type Fields = Readonly<
  Record<string, string | number | boolean | null | undefined>
>;

/** A line that is to be written, before it is text. */
export interface Entry {
  readonly level: number;
  readonly target: string;
  readonly message: string;
  readonly fields: Fields | undefined;
}

/** Writes lines for one part of the proxy. Below its level a call costs a comparison. */
export class Log {
  /** As a filter names it: `linkerd_proxy::inbound`. */
  readonly target: string;
  /** Compare with `LEVEL` before building fields that cost something. */
  level: number;
  readonly #write: (entry: Entry) => void;
  readonly #now: () => number;

  constructor(
    target: string,
    level: number,
    write: (entry: Entry) => void,
    now: () => number,
  ) {
    this.target = target;
    this.level = level;
    this.#write = write;
    this.#now = now;
  }

  error(message: string, fields?: Fields): void {
    if (this.level >= LEVEL.error) this.#put(LEVEL.error, message, fields);
  }

  warn(message: string, fields?: Fields): void {
    if (this.level >= LEVEL.warn) this.#put(LEVEL.warn, message, fields);
  }

  info(message: string, fields?: Fields): void {
    if (this.level >= LEVEL.info) this.#put(LEVEL.info, message, fields);
  }

  debug(message: string, fields?: Fields): void {
    if (this.level >= LEVEL.debug) this.#put(LEVEL.debug, message, fields);
  }

  trace(message: string, fields?: Fields): void {
    if (this.level >= LEVEL.trace) this.#put(LEVEL.trace, message, fields);
  }

  /**
   * A `warn` for events that others can cause at will: at most `perSecond` lines per key, which say how many were
   * suppressed before them (`suppressed=12`).
   */
  limited(
    perSecond: number,
  ): (key: string, message: string, fields?: Fields) => void {
    const admit = createLimiter(perSecond);
    return (key, message, fields) => {
      if (this.level < LEVEL.warn) return;
      const suppressed = admit(key, this.#now());
      if (suppressed === null) return;
      this.warn(message, suppressed === 0 ? fields : { ...fields, suppressed });
    };
  }

  #put(level: number, message: string, fields: Fields | undefined): void {
    this.#write({ level, target: this.target, message, fields });
  }
}

/** All logs of a process. */
export interface Logs {
  /** The log of one part: `inbound` becomes the target `linkerd_proxy::inbound`. */
  target(part: string): Log;
  readonly filter: Filter;
  /** Takes effect at once, on logs handed out before too. */
  setFilter(filter: Filter): void;
}

export interface LogsOptions {
  readonly filter: Filter;
  /** `plain`: what Linkerd's proxy prints; `json`: one object per line, with its keys. */
  readonly format: "plain" | "json";
  /** Takes one line, line feed included. */
  readonly write: (line: string) => void;
  /** Milliseconds since the proxy started. */
  readonly uptimeMs: () => number;
}

/** Creates the logs of a process. */
export function createLogs(options: LogsOptions): Logs {
  const { format, write, uptimeMs } = options;
  const logs = new Map<string, Log>();
  const print = format === "json" ? formatJson : formatPlain;
  let filter = options.filter;
  return {
    get filter() {
      return filter;
    },
    target(part) {
      const target = `linkerd_proxy::${part}`;
      const log = logs.get(target) ?? new Log(
        target,
        levelOf(filter, target),
        (entry) => write(`${print(entry, uptimeMs())}\n`),
        uptimeMs,
      );
      logs.set(target, log);
      return log;
    },
    setFilter(next) {
      filter = next;
      for (const log of logs.values()) log.level = levelOf(next, log.target);
    },
  };
}

const NAMES = ["OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"];

/** `[   0.001s]  INFO ThreadId(01) linkerd_proxy::inbound: message key=value`. */
export function formatPlain(entry: Entry, uptimeMs: number): string {
  const level = (NAMES[entry.level] ?? "").padStart(5);
  let line = `${stamp(uptimeMs)} ${level} ThreadId(01) ${entry.target}: ${
    oneLine(entry.message)
  }`;
  for (const [name, value] of Object.entries(entry.fields ?? {})) {
    if (value !== undefined) line += ` ${name}=${plainValue(value)}`;
  }
  return line;
}

/** The same as one JSON object, with the keys of Linkerd's. */
export function formatJson(entry: Entry, uptimeMs: number): string {
  return JSON.stringify({
    timestamp: stamp(uptimeMs),
    level: NAMES[entry.level],
    fields: { message: entry.message, ...entry.fields },
    target: entry.target,
    threadId: "ThreadId(1)",
  });
}

function stamp(uptimeMs: number): string {
  return `[${(uptimeMs / 1_000).toFixed(3).padStart(8)}s]`;
}

/** Quotes what is not a plain word, so that a name sent by a peer can add neither fields nor lines. */
function plainValue(value: string | number | boolean | null): string {
  const text = String(value);
  return /^[\w.:/@%+\[\]-]+$/.test(text) ? text : JSON.stringify(text);
}

/** Messages may quote what a peer sent. */
function oneLine(message: string): string {
  return message.replace(
    /\p{Cc}/gu,
    (found) =>
      found === "\n"
        ? "\\n"
        : `\\x${found.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
