import { type Column, formatTable } from "../../table.ts";
import { right } from "../cells.ts";
import type { Line } from "../screen.ts";
import { formatNanos } from "../tap/duration.ts";
import type { KeyField, Top, TopRow } from "./rows.ts";

const HELP = [
  "(press q to quit)",
  "(press a/LeftArrowKey to scroll left, d/RightArrowKey to scroll right)",
];

/** Everything on the screen: two lines of help, one that is free, the table. */
export function picture(top: Top, key: readonly KeyField[]): readonly Line[] {
  const [titles = "", ...lines] = table(top, key).trimEnd().split("\n");
  const dropped = top.dropped();
  return [
    ...HELP.map((text): Line => ({ text, style: "fixed" })),
    {
      text: dropped === 0
        ? ""
        : `${dropped} rows that were not seen for long are not shown`,
      style: "fixed",
    },
    { text: titles, style: "bold" },
    ...lines.map((text): Line => ({ text, style: "plain" })),
  ];
}

/** The table alone. */
export function table(top: Top, key: readonly KeyField[]): string {
  return formatTable(
    [...key.map((field) => TEXTS[field]), ...NUMBERS],
    top.rows(),
  );
}

const TEXTS: Readonly<Record<KeyField, Column<TopRow>>> = {
  source: { title: "Source", text: ({ source }) => source },
  destination: { title: "Destination", text: ({ destination }) => destination },
  method: { title: "Method", text: ({ method }) => method },
  path: { title: "Path", text: ({ path }) => path },
  route: { title: "Route", text: ({ route }) => route },
};

const NUMBERS: readonly Column<TopRow>[] = [
  right("Count", ({ count }) => String(count)),
  right("Best", ({ best }) => formatNanos(best)),
  right("Worst", ({ worst }) => formatNanos(worst)),
  right("Last", ({ last }) => formatNanos(last)),
  right(
    "Success Rate",
    ({ successes, count }) => `${((successes / count) * 100).toFixed(2)}%`,
  ),
];
