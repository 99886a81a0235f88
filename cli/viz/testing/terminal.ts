/** A command on a pseudo-terminal, and what somebody sees there. */
export interface TestTerminal {
  readonly child: Bun.Subprocess;
  /** Everything that was written. */
  readonly written: () => string;
  /** The lines of the last whole picture, without control sequences. */
  readonly screen: () => readonly string[];
  /** Waits for what is written to be so. */
  readonly until: (isSo: () => boolean) => Promise<void>;
  readonly type: (keys: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  /** Closes the window. */
  readonly close: () => void;
}

/** Runtimes start slowly on a busy machine. */
const PATIENCE_MS = 30_000;

export function openTerminal(
  command: readonly string[],
  [columns, rows]: readonly [columns: number, rows: number],
): TestTerminal {
  let text = "";
  let changed = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  const child = Bun.spawn([...command], {
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm" },
    terminal: {
      cols: columns,
      rows,
      data(_, data) {
        text += decoder.decode(data, { stream: true });
        changed.resolve();
        changed = Promise.withResolvers();
      },
    },
  });
  const { terminal } = child;
  if (terminal === undefined) throw new Error("a terminal was expected");
  return {
    child,
    written: () => text,
    screen: () => screenOf(text),
    until: async (isSo) => {
      const deadline = Promise.withResolvers<"late">();
      const timer = setTimeout(deadline.resolve, PATIENCE_MS, "late");
      try {
        while (!isSo()) {
          const next = Promise.race([changed.promise, deadline.promise]);
          if (await next === "late") {
            throw new Error(
              `the terminal shows only:\n${screenOf(text).join("\n")}`,
            );
          }
        }
      } finally {
        clearTimeout(timer);
      }
    },
    type: (keys) => void terminal.write(keys),
    resize: (columns, rows) => terminal.resize(columns, rows),
    close: () => terminal.close(),
  };
}

const ESCAPE = "\x1b[";

function screenOf(text: string): readonly string[] {
  const [frame = "", below] = text.slice(text.lastIndexOf(`${ESCAPE}H`))
    .split(`${ESCAPE}J`);
  const lines = frame.split("\n");
  return (below === undefined ? lines : lines.slice(0, -1)).map((line) =>
    line.split(ESCAPE).map((part, at) =>
      at === 0 ? part : part.replace(/^[\d;?]*[A-Za-z]/, "")
    ).join("").replaceAll("\r", "")
  );
}
