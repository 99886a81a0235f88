import kleur from "kleur";
import { NARROW } from "./table.ts";

/** Where the demo speaks to a person. */
export interface Screen {
  readonly width: number;
  /** How often a table is worth showing: often where it is redrawn in place, seldom where each stays. */
  readonly refreshMs: number;
  /** A line that stays. */
  say(line: string): void;
  /** Lines that the next call replaces on a terminal, and that follow each other elsewhere. */
  show(lines: readonly string[]): void;
}

/** A terminal (redrawn in place) or a pipe or file (plain lines). NO_COLOR and pipes turn colours off. */
export function createScreen(stream: NodeJS.WriteStream): Screen {
  const inPlace = stream.isTTY === true;
  kleur.enabled = inPlace && !process.env["NO_COLOR"];
  let shown = 0;
  const erase = (): string => shown === 0 ? "" : `\x1b[${shown}A\x1b[J`;
  return {
    get width() {
      return stream.columns ?? NARROW;
    },
    refreshMs: inPlace ? 1_000 : 5_000,
    say(line) {
      stream.write(`${erase()}${line}\n`);
      shown = 0;
    },
    show(lines) {
      const text = lines.map((line) => `${line}\n`).join("");
      stream.write(inPlace ? erase() + text : `\n${text}`);
      shown = inPlace ? lines.length : 0;
    },
  };
}
