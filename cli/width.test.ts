import { expect, test } from "bun:test";
import { formatTable } from "./table.ts";
import { clip, widthOf } from "./width.ts";

test.each([
  ["web", 3],
  ["", 0],
  ["größe", 5],
  ["gro\u0308ße", 5],
  ["日本", 4],
  ["ｶﾞ", 2],
  ["한글", 4],
  ["🚀", 2],
  ["√─", 2],
])("%j fills %i cells", (text, cells) => {
  expect(widthOf(text)).toBe(cells);
  expect(clip(text, 0, 100)).toBe(text);
  expect(clip(text, 0, 0)).toBe("");
});

test("what is clipped fills what it is clipped to", () => {
  expect(clip("abcdef", 2, 3)).toBe("cde");
  expect(clip("日本語", 1, 4)).toBe(" 本 ");
  expect(clip("日本語", 2, 2)).toBe("本");
  expect(clip("e\u0301a", 1, 1)).toBe("a");
});

test("columns stand where they should below each other", () => {
  const table = formatTable(
    [{ title: "NAME", text: (row: string) => row }, {
      title: "N",
      text: () => "1",
    }],
    ["web", "日本語"],
  );
  expect(table).toBe("NAME    N  \nweb     1  \n日本語  1  \n");
});
