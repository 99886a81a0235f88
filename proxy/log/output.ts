/** Where text goes, and when it is gone: Bun's `FileSink`, narrowed. */
export interface Sink {
  write(text: string): unknown;
  flush(): number | Promise<number>;
}

export interface Output {
  write(line: string): void;
  /** Settles when all that was written has left, or cannot. */
  flush(): Promise<void>;
}

/** Characters that may wait while the reader of our output is slow: some thousand lines. */
const PENDING_MAX = 1_048_576;

/**
 * Gathers the lines of an event-loop turn into one write and never blocks: a reader that stops reading costs log lines,
 * which are counted, and not traffic. For stdout: `createOutput(Bun.stdout.writer())` (a `writeSync` would block on a
 * full pipe, `process.stdout` costs 1.5 MB of memory; decision 33).
 */
export function createOutput(sink: Sink): Output {
  let pending = "";
  let dropped = 0;
  let sending: Promise<void> | null = null;
  let broken = false;

  const send = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    while (pending !== "" && !broken) {
      const text = pending;
      pending = dropped === 0 ? "" : `${dropped} log lines were dropped\n`;
      dropped = 0;
      try {
        sink.write(text);
        await sink.flush();
      } catch {
        broken = true; // Nobody reads any more (EPIPE); there is nobody left to tell.
      }
    }
    sending = null;
  };

  return {
    write(line) {
      if (broken) return;
      if (pending.length + line.length > PENDING_MAX) {
        dropped += 1;
        return;
      }
      pending += line;
      sending ??= send();
    },
    flush: () => sending ?? Promise.resolve(),
  };
}
