import type { Field, Name } from "../http/field.ts";

/** The one field of a name; null when there is none, or more than one: which of them would count? */
export function onlyField(fields: readonly Field[], name: Name): Field | null {
  let found: Field | null = null;
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at];
    if (field === undefined || field.name !== name) continue;
    if (found !== null) return null;
    found = field;
  }
  return found;
}

/** Changes the first field of a name in its place. */
export function replaceField(
  fields: Field[],
  name: Name,
  change: (field: Field) => Field,
): void {
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at];
    if (field === undefined || field.name !== name) continue;
    fields[at] = change(field);
    return;
  }
}
