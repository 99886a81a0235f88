export const LOG_FORMATS = ["plain", "json"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

/** From the most to the least talkative. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Writes one line; a level below the program's own is dropped. */
export type Log = (level: LogLevel, message: string) => void;

/** A log on stderr, so that what a program prints on stdout stays clean. */
export function createLog(format: LogFormat, lowest: LogLevel): Log {
  return (level, message) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(lowest)) return;
    const time = new Date().toISOString();
    const line = format === "json"
      ? JSON.stringify({ time, level, msg: message })
      : `${time} ${level.toUpperCase()} ${message}`;
    process.stderr.write(`${line}\n`);
  };
}
