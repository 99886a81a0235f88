import { pad, widthOf } from "./width.ts";

/** A column of a table. */
export interface Column<T> {
  readonly title: string;
  readonly text: (row: T) => string;
  /** Numbers stand right; left by default. */
  readonly align?: "right";
  /** What fills a row's cell up, and the gap behind one that stands left: a line that leads to the next cell. Blanks by default. */
  readonly fill?: (row: T) => string;
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
  const line = (
    cell: (column: Column<T>) => string,
    fillOf: (column: Column<T>) => string,
  ) => {
    const cells = sized.map((column) => {
      const fill = fillOf(column);
      return column.align === "right"
        ? pad(cell(column), column.width, "start", fill) + " ".repeat(gap)
        : pad(cell(column), column.width + gap, "end", fill);
    });
    const text = cells.join("");
    return `${style === "simple" ? text : text.trimEnd()}\n`;
  };
  return line(({ title }) => title, () => " ") +
    rows.map((row) =>
      line(({ text }) => text(row), ({ fill }) => fill?.(row) ?? " ")
    ).join("");
}
