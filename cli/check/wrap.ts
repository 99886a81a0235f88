/** Narrower terminals are written to as if they had so many columns: beyond that words are cut anyway. */
const COLUMNS_LEAST = 40;

/**
 * Lines of text, each `indent` deep; tabs at their start go two deeper each. Lines longer than `columns` are broken
 * between words, and what follows stands below the line's own text; without `columns` no line is broken.
 */
export function layOut(
  text: string,
  indent: number,
  columns: number | undefined,
): string {
  return text.split("\n").map((line) => {
    const depth = /^\t*/.exec(line)?.[0].length ?? 0;
    const words = line.slice(depth);
    const first = " ".repeat(indent + 2 * depth);
    const rest = words.startsWith("* ") ? `${first}  ` : first;
    return columns === undefined
      ? first + words
      : breakLine(words, first, rest, Math.max(columns, COLUMNS_LEAST));
  }).map((line) => `${line.trimEnd()}\n`).join("");
}

/** A word that does not fit on a line of its own, such as a link, is left whole. */
function breakLine(
  text: string,
  first: string,
  rest: string,
  columns: number,
): string {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = rest;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join("\n");
}
