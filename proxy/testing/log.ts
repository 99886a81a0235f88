import { createLogs, type Log } from "../log.ts";
import { LEVEL } from "../log/filter.ts";

/** A log whose lines the test reads. */
export function createTestLog(): {
  readonly log: Log;
  readonly lines: readonly string[];
} {
  const lines: string[] = [];
  const logs = createLogs({
    filter: { text: "info", level: LEVEL.info, targets: [] },
    format: "plain",
    write: (line) => void lines.push(line),
    uptimeMs: () => 0,
  });
  return { log: logs.target("test"), lines };
}
