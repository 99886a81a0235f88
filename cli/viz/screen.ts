import { writeSync } from "node:fs";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import type { World } from "../command.ts";
import { clip, widthOf } from "../width.ts";

/** A line of a picture; what is fixed does not scroll with the others. */
export interface Line {
  readonly text: string;
  readonly style: "plain" | "bold" | "fixed";
}

export interface Show {
  /** Asked for again and again; only a new one is drawn. */
  readonly picture: () => readonly Line[];
  /** When there is nothing more to show; its failure is ours. */
  readonly ended: Promise<void>;
}

/** How a show came to its end: because there was nothing more, or by somebody who stopped it. */
export interface Ending {
  readonly ended: boolean;
  /** 0; of a signal, what shells say of it. */
  readonly code: number;
}

const REDRAW_MS = 100;
/** Cells, as in Linkerd. */
const SCROLL_STEP = 5;
/** Of a terminal that does not say how large it is. */
const SIZE = [80, 24] as const;

// Control sequences of xterm, which all of today's terminals know ("XTerm Control Sequences").
/** The alternate screen, without a cursor; lines end at the edge. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const BOLD = "\x1b[1m";
const NORMAL = "\x1b[0m";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

const CRASHES = ["uncaughtException", "unhandledRejection"] as const;
const SIGNALS = [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const;
const CTRL_C = "\x03";
const ESCAPE = "\x1b";
/** Where keys scroll to; arrows as terminals send them in either of two modes. */
const SCROLLS: Readonly<Record<string, number>> = {
  a: -SCROLL_STEP,
  d: SCROLL_STEP,
  "\x1b[D": -SCROLL_STEP,
  "\x1b[C": SCROLL_STEP,
  "\x1bOD": -SCROLL_STEP,
  "\x1bOC": SCROLL_STEP,
};

/** Whether there is a terminal that can be drawn on: one that knows control sequences. */
export function hasScreen({ terminal, env }: World): boolean {
  return terminal && env["TERM"] !== "dumb";
}

/**
 * Draws on the whole terminal until q, Ctrl-C or a signal, or until there is nothing more, and gives the terminal back as it
 * was, however the program ends.
 */
export async function showScreen({ picture, ended }: Show): Promise<Ending> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<Ending>();
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  let isOver = false;
  let offset = 0;
  const restore = takeTerminal({
    onKey(key) {
      if (key === "q" || key === CTRL_C) stop({ ended: false, code: 0 });
      offset = Math.max(0, offset + (SCROLLS[key] ?? 0));
    },
    onSignal: (code) => stop({ ended: false, code }),
    onCrash: fail,
  });
  const redraw = async () => {
    for (let last = ""; !isOver;) {
      const [columns, rows] = sizeOf(process.stdout);
      const lines = picture();
      offset = Math.min(offset, furthest(lines, columns));
      const frame = frameOf(fit(lines, rows), offset, columns) +
        (lines.length < rows ? `\r\n${CLEAR_BELOW}` : "");
      const size = `${columns} ${rows} `;
      // A terminal that is behind gets the next one.
      if (size + frame !== last && process.stdout.writableLength === 0) {
        process.stdout.write(frame);
        last = size + frame;
      }
      await pause(REDRAW_MS);
    }
  };
  try {
    redraw().catch(fail);
    const over = ended.then(() => ({ ended: true, code: 0 }));
    return await Promise.race([stopped, over, failed]);
  } finally {
    isOver = true;
    restore();
  }
}

/** How far to the right there is something to see. */
function furthest(lines: readonly Line[], columns: number): number {
  const widths = lines.map(({ text, style }) =>
    style === "fixed" ? 0 : widthOf(text.trimEnd())
  );
  return Math.max(0, ...widths.map((width) => width - columns));
}

/** As many lines as there are rows; of more, the last row says how many. */
function fit(lines: readonly Line[], rows: number): readonly Line[] {
  if (lines.length <= rows) return lines;
  const shown = lines.slice(0, rows - 1);
  const text = `… ${lines.length - shown.length} more lines`;
  return [...shown, { text, style: "fixed" }];
}

/** All of the screen in one piece, drawn over the last one, so that nothing flickers. */
function frameOf(
  lines: readonly Line[],
  offset: number,
  columns: number,
): string {
  const drawn = lines.map(({ text, style }) => {
    const shown = clip(text, style === "fixed" ? 0 : offset, columns).trimEnd();
    // Behind a full line the cursor stands on its last character, which would be cleared.
    const rest = widthOf(shown) < columns ? CLEAR_LINE : "";
    return (style === "bold" ? BOLD + shown + NORMAL : shown) + rest;
  });
  return HOME + drawn.join("\r\n");
}

function sizeOf(
  { getWindowSize }: typeof process.stdout,
): readonly [columns: number, rows: number] {
  const [columns, rows] = getWindowSize?.call(process.stdout) ?? SIZE;
  return columns > 0 && rows > 0 ? [columns, rows] : SIZE;
}

interface Person {
  readonly onKey: (key: string) => void;
  readonly onSignal: (code: number) => void;
  /** What nobody has caught; said on a screen that goes away, nobody would read it. */
  readonly onCrash: (error: unknown) => void;
}

/** Takes screen, keys and signals; gives what gives them back. */
function takeTerminal({ onKey, onSignal, onCrash }: Person): () => void {
  const { stdin } = process;
  const hasKeys = stdin.isTTY === true;
  const onData = (data: Uint8Array) => {
    for (const key of keysOf(data.toString())) onKey(key);
  };
  const handlers = SIGNALS.map(([signal, code]) =>
    [signal, () => onSignal(code)] as const
  );
  const restore = () => {
    process.off("exit", restore);
    for (const [signal, handler] of handlers) process.off(signal, handler);
    for (const crash of CRASHES) process.off(crash, onCrash);
    if (hasKeys) {
      stdin.off("data", onData);
      stdin.setRawMode(false);
      stdin.pause();
      stdin.unref();
    }
    try {
      writeSync(process.stdout.fd, LEAVE);
    } catch {
      // The terminal is gone, and with it what there was to restore.
    }
  };
  for (const [signal, handler] of handlers) process.on(signal, handler);
  for (const crash of CRASHES) process.on(crash, onCrash);
  process.on("exit", restore); // whoever ends the program
  if (hasKeys) {
    stdin.setRawMode(true);
    stdin.on("data", onData);
    stdin.resume();
  }
  process.stdout.write(ENTER);
  return restore;
}

/** The keys in what came at once: an escape has two more characters with it. */
function* keysOf(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    const length = text[at] === ESCAPE ? 3 : 1;
    yield text.slice(at, at + length);
    at += length;
  }
}
