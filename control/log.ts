/** How much a line matters; a logger drops what is below its own level. */
export type Level = "debug" | "info" | "warn" | "error";

export const LEVELS: readonly Level[] = ["debug", "info", "warn", "error"];

/** What a line says beside its message; never keys or tokens. */
export type Fields = Readonly<
  Record<string, string | number | boolean | undefined>
>;

export type Log = Readonly<
  Record<Level, (message: string, fields?: Fields) => void>
>;

export interface LogOptions {
  readonly level: Level;
  /** `plain` is logfmt, `json` one object per line. */
  readonly format: "plain" | "json";
  readonly write?: (line: string) => void;
  readonly now?: () => number;
}

/** A logger of one line per event, to stderr unless told otherwise; undefined fields are left out. */
export function createLog(options: LogOptions): Log {
  const write = options.write ??
    ((line: string) => void process.stderr.write(line));
  const now = options.now ?? Date.now;
  const format = options.format === "json" ? JSON.stringify : formatPlain;
  const least = LEVELS.indexOf(options.level);
  const at = (level: Level) => (message: string, fields: Fields = {}): void => {
    if (LEVELS.indexOf(level) < least) return;
    const time = new Date(now()).toISOString();
    write(`${format({ time, level, msg: message, ...fields })}\n`);
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

/** Quotes whatever is not a plain word, so that a name sent by a caller can neither add fields nor lines. */
function formatPlain(fields: Fields): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const text = String(value);
    const plain = /^[\w.:/+@%-]+$/.test(text);
    parts.push(`${name}=${plain ? text : JSON.stringify(text)}`);
  }
  return parts.join(" ");
}
