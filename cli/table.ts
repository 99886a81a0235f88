/** A column of a table. */
export interface Column<T> {
  readonly title: string;
  readonly text: (row: T) => string;
  /** Numbers stand right; left by default. */
  readonly align?: "right";
}

/** Blanks after every column, the last one too, as scripts know it of Linkerd. */
const GAP = "  ";

/** A table whose columns are as wide as their widest cell. */
export function formatTable<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
): string {
  const sized = columns.map((column) => ({
    ...column,
    width: Math.max(
      column.title.length,
      ...rows.map((row) => column.text(row).length),
    ),
  }));
  const line = (cell: (column: Column<T>) => string) =>
    `${
      sized.map((column) => {
        const text = cell(column);
        return (column.align === "right"
          ? text.padStart(column.width)
          : text.padEnd(column.width)) + GAP;
      }).join("")
    }\n`;
  return line(({ title }) => title) +
    rows.map((row) => line(({ text }) => text(row))).join("");
}
