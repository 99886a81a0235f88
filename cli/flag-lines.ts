import type { Flag } from "./command.ts";

/** The width that terminals have when nobody has asked for another. */
const WIDTH = 80;
/** Flags that are longer are explained on the next line, so that a long name does not squeeze all explanations. */
const NAME_WIDTH = 34;

/** Flags as help shows them, one below the other; hidden and replaced ones are left out. */
export function formatFlags(flags: readonly Flag[]): string {
  const rows = flags
    .filter(({ hidden, replacedBy }) => hidden !== true && !replacedBy)
    .map((flag) => ({ name: nameOf(flag), about: aboutOf(flag) }));
  const fitting = rows.map(({ name }) => name.length).filter((length) =>
    length <= NAME_WIDTH
  );
  const column = Math.max(0, ...fitting) + 2;
  return rows.map(({ name, about }) => {
    const lines = fold(about, WIDTH - column);
    const first = name.length + 2 > column ? `${name}\n` : name.padEnd(column);
    const [head = "", ...rest] = lines.map((line, at) =>
      at === 0 && !first.endsWith("\n") ? line : " ".repeat(column) + line
    );
    return [first + head, ...rest].join("\n");
  }).join("\n");
}

function nameOf({ name, short, kind }: Flag): string {
  const long = short === undefined
    ? `      --${name}`
    : `  -${short}, --${name}`;
  if (kind === "switch") return long;
  return `${long} <${kind === "text" ? "value" : "list"}>`;
}

function aboutOf({ about, otherwise }: Flag): string {
  return otherwise === undefined ? about : `${about} (default ${otherwise})`;
}

/** The words of a text in lines of so many characters; a word that is longer has a line of its own. */
function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
