/**
 * A value as JSON that a terminal shows as it is: what is invisible there, or would command it, is escaped. Read
 * back, it is the same value.
 */
export function printJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replaceAll(
    // JSON itself escapes what is below U+0020, but for the lines of its own.
    /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu,
    (mark) => mark.split("").map(escape).join(""),
  );
}

function escape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
