/** What fills two cells of a terminal (Unicode Annex 11, for the scripts that people name things in). */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
/** Katakana and Hangul of half the width. */
const HALF = /[\uff61-\uffdc]/;
/** What is drawn over the character before it. */
const NONE = /[\p{Mn}\p{Me}]/u;
const PLAIN = /^[\x20-\x7e]*$/;

/** How many cells of a terminal a text fills. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** What of a text is in so many cells from a cell on; half a wide character is a blank. */
export function clip(text: string, from: number, cells: number): string {
  if (PLAIN.test(text)) return text.slice(from, from + cells);
  let shown = "";
  let at = 0;
  for (const char of text) {
    const end = at + charWidth(char);
    const isMark = at === end;
    if (
      isMark
        ? at > from && at <= from + cells
        : at >= from && end <= from + cells
    ) shown += char;
    else if (end > from && at < from + cells) shown += " ";
    at = end;
  }
  return shown;
}

/** A text with blanks, or what fills it, to so many cells, after it or before it. */
export function pad(
  text: string,
  cells: number,
  side: "end" | "start",
  fill = " ",
): string {
  const blanks = fill.repeat(Math.max(0, cells - widthOf(text)));
  return side === "end" ? text + blanks : blanks + text;
}

function charWidth(char: string): number {
  if (NONE.test(char)) return 0;
  return WIDE.test(char) && !HALF.test(char) ? 2 : 1;
}
