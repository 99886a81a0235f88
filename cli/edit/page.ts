import { renderYaml } from "../render.ts";

/** A change of text: what stands from `start` to `end` becomes `text`. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A document while changes to it are gathered. */
export interface Page {
  readonly text: string;
  /** How its lines end. */
  readonly newline: string;
  readonly splices: Splice[];
}

/** The text with all changes made; at one position they stand in the order they were gathered. */
export function applySplices({ text, splices }: Page): string {
  const sorted = splices.toSorted((a, b) => a.start - b.start);
  const pieces: string[] = [];
  let from = 0;
  for (const { start, end, text: piece } of sorted) {
    pieces.push(text.slice(from, start), piece);
    from = Math.max(from, end);
  }
  pieces.push(text.slice(from));
  return pieces.join("");
}

/** Where the line of a position begins. */
export function lineStart(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

/** How far a position is indented; a byte order mark has no width. */
export function columnOf(text: string, at: number): number {
  const start = lineStart(text, at);
  return at - start - (text[start] === "\uFEFF" ? 1 : 0);
}

/** Where the line after a position begins; the end of the text after its last line. */
export function nextLine(text: string, at: number): number {
  // A block of text ends after its newline: its end is a line's start already.
  if (at > 0 && text[at - 1] === "\n") return at;
  const newline = text.indexOf("\n", at);
  return newline < 0 ? text.length : newline + 1;
}

/** Puts whole lines before the line that begins at a position. */
export function insertLines(page: Page, at: number, lines: string): void {
  const { text, newline, splices } = page;
  const open = at > 0 && text[at - 1] !== "\n";
  splices.push({ start: at, end: at, text: (open ? newline : "") + lines });
}

/** Takes away the lines of all that stands between two positions. */
export function removeLines(page: Page, from: number, to: number): void {
  const { text, splices } = page;
  splices.push({
    start: lineStart(text, from),
    end: nextLine(text, to),
    text: "",
  });
}

/** A value in YAML, as the page ends and indents its lines; empty ones stay empty. */
export function renderLines(
  { newline }: Page,
  value: unknown,
  columns: number,
): string {
  const indent = " ".repeat(columns);
  return renderYaml(value)
    .replace(/^(?=[^\n])/gm, indent)
    .replaceAll("\n", newline);
}
