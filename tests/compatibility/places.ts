/** What stands in a place before and after. */
export interface Change {
  /** Keys joined by dots, items of lists in brackets: by their names if they have any. */
  readonly place: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** Texts, numbers and flags that differ, each with its place. */
export function changes(from: unknown, to: unknown, place = ""): Change[] {
  // Most of an install is as it was: nothing is looked for in there.
  if (Bun.deepEquals(from, to, true)) return [];
  if (!isTree(from) && !isTree(to)) return [{ place, from, to }];
  const [before, after] = [fieldsOf(from), fieldsOf(to)];
  const found: Change[] = [];
  for (const step of new Set([...before.keys(), ...after.keys()])) {
    found.push(
      ...changes(before.get(step), after.get(step), `${place}${step}`),
    );
  }
  return found;
}

function isTree(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function fieldsOf(value: unknown): Map<string, unknown> {
  if (!isTree(value)) return new Map();
  return new Map(
    Object.entries(value).map(([key, inner]) => [
      Array.isArray(value) ? `[${nameOf(inner) ?? key}]` : `.${key}`,
      inner,
    ]),
  );
}

function nameOf(item: unknown): string | undefined {
  if (!isTree(item)) return undefined;
  const { kind, metadata, name } = item as {
    readonly kind?: unknown;
    readonly metadata?: { readonly name?: unknown };
    readonly name?: unknown;
  };
  if (typeof name === "string") return name;
  return typeof metadata?.name === "string"
    ? `${String(kind)}/${metadata.name}`
    : undefined;
}
