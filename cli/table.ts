import { pad, widthOf } from "./width.ts";

/** A column of a table. */
export interface Column<T> {
  readonly title: string;
  readonly text: (row: T) => string;
  /** Numbers stand right; left by default. */
  readonly align?: "right";
  /** Where a row draws a line from this cell to the next, or to this one. */
  readonly line?: (row: T) => "from" | "to" | null;
}

/**
 * As scripts know them of Linkerd: `simple` has two blanks after every column, the last one too; `tabular` has three
 * between columns.
 */
export type TableStyle = "simple" | "tabular";

/** A table whose columns are as wide as their widest cell. */
export function formatTable<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  style: TableStyle = "simple",
): string {
  const sized = columns.map((column) => ({
    ...column,
    width: Math.max(
      widthOf(column.title),
      ...rows.map((row) => widthOf(column.text(row))),
    ),
  }));
  const gap = style === "simple" ? 2 : 3;
  const print = (cellOf: (column: Column<T> & { width: number }) => string) => {
    const text = sized.map(cellOf).join("");
    return `${style === "simple" ? text : text.trimEnd()}\n`;
  };
  const cell = (
    { width, align }: { width: number; align?: "right" },
    text: string,
    line: "from" | "to" | null = null,
  ) => {
    if (line === "from") return pad(text, width + gap, "end", "─");
    const side = align === "right" || line === "to" ? "start" : "end";
    return pad(text, width, side, line === "to" ? "─" : " ") + " ".repeat(gap);
  };
  return print((column) => cell(column, column.title)) +
    rows.map((row) =>
      print((column) => cell(column, column.text(row), column.line?.(row)))
    ).join("");
}
