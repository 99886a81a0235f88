/**
 * A text that came over the network, as it may be shown on a terminal or a page: control characters, marks that change the
 * direction of writing, marks upon marks, and whatever else cannot be seen become visible, and what is far too long is cut.
 */
export function harmless(text: string): string {
  const cut = text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
  return cut.replaceAll(UNSEEN, (mark) => {
    const code = (mark.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

/** More than three marks on a letter, which no language needs, would cover the lines around. */
const UNSEEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?<=\p{M}{3})\p{M}/gu;

/** Kubernetes' longest names, and room for what is before them. */
const MAX_CHARS = 300;
