/** A part of a file and how many lines come before it. */
export interface Part {
  readonly text: string;
  readonly line: number;
}

/**
 * Splits YAML at its document markers. A `---` at the start of a line can be nothing else, not even inside a block of
 * text (YAML 1.2, 9.1.2); only directives and explicit ends of documents concern what comes after a marker, and a file
 * that has any stays whole.
 */
export function splitDocuments(text: string): Part[] {
  if (/^(%|\.\.\.(\s|$))/m.test(text)) return [{ text, line: 0 }];
  const parts: Part[] = [];
  let from = 0;
  let line = 0;
  const markers = /^---(?=\s|$)/gm;
  for (let marker = markers.exec(text); marker; marker = markers.exec(text)) {
    if (marker.index === from) continue;
    const part = text.slice(from, marker.index);
    parts.push({ text: part, line });
    line += countLines(part);
    from = marker.index;
  }
  parts.push({ text: text.slice(from), line });
  return parts;
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
    count++;
  }
  return count;
}
