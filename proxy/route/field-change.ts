import type { RequestHeaders } from "../../schemas/route.ts";
import { Field, Name, NameFlag } from "../http/field.ts";

/** A change of header fields made ready to be applied. */
export interface FieldChange {
  readonly add: readonly Field[];
  readonly set: readonly Field[];
  readonly remove: readonly string[];
}

/** Prepares the change that a route asks for. */
export function readyChange(
  { add, set, remove }: Omit<RequestHeaders, "kind">,
): FieldChange {
  return {
    add: readyFields(add),
    set: readyFields(set),
    remove: remove.filter(mayChange),
  };
}

/** Adds, then sets, then removes. */
export function changeFields(
  { add, set, remove }: FieldChange,
  fields: Field[],
): void {
  fields.push(...add);
  for (const field of set) {
    dropNamed(fields, field.name.text);
    fields.push(field);
  }
  for (const name of remove) dropNamed(fields, name);
}

/** Framing, connection and the mesh's own fields are not a route's to change: they say what the proxy knows. */
function mayChange(name: string): boolean {
  const { hopByHop, framing, mesh, pseudo } = NameFlag;
  return name !== "host" &&
    (Name.of(name).flags & (hopByHop | framing | mesh | pseudo)) === 0;
}

function readyFields(
  fields: readonly (readonly [name: string, value: string])[],
): Field[] {
  return fields.filter(([name]) => mayChange(name)).map(([name, value]) => {
    const field = Field.of(name, value);
    // The same with every request: worth a place in a compression table.
    field.repeated = !field.secret;
    return field;
  });
}

/** By text, as the table of names is bounded. */
function dropNamed(fields: Field[], name: string): void {
  let kept = 0;
  for (const field of fields) {
    if (field.name.text !== name) fields[kept++] = field;
  }
  fields.length = kept;
}
