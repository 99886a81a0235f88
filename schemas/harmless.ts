/**
 * A text that came over the network, as it may be shown on a terminal or a page: control characters, and marks that
 * change the direction of writing, become visible, and what is far too long is cut.
 */
export function harmless(text: string): string {
  const cut = text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
  return cut.replaceAll(
    // deno-lint-ignore no-control-regex -- they are what is looked for
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Kubernetes' longest names, and room for what is before them. */
const MAX_CHARS = 300;
