import { createLog, type Log } from "../log.ts";

/** A log whose lines can be looked at and waited for. */
export interface Recorder {
  readonly log: Log;
  readonly lines: readonly string[];
  /** The first line from now on, or already there, that holds `text`. */
  readonly until: (text: string) => Promise<string>;
}

/** A log that is kept in memory. */
export function recordLogs(): Recorder {
  const lines: string[] = [];
  let wake = (): void => {};
  const log = createLog({
    level: "debug",
    format: "plain",
    write: (line) => {
      lines.push(line);
      wake();
    },
  });
  const until = async (text: string): Promise<string> => {
    for (;;) {
      const found = lines.find((line) => line.includes(text));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => wake = resolve);
    }
  };
  return { log, lines, until };
}
