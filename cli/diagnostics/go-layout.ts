import {
  type DescField,
  type DescMessage,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";

/** A message as plain values; numbers of 64 bits are `bigint`. */
export type Layout =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Layout[]
  | { readonly [name: string]: Layout };

/**
 * Lays a message out as Linkerd's tools print it, for scripts that read that: Go's JSON of generated structs. Fields
 * have the names of the .proto and are left out when empty; a choice is a field of its own, capitalised as in Go, with
 * the chosen one inside (`Kind: {Detect: {…}}`), or null.
 */
export function layOut<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
): Layout {
  const values = message as unknown as Readonly<Record<string, unknown>>;
  const laid: Record<string, Layout> = {};
  for (const member of schema.members) {
    const value = values[member.localName];
    if (member.kind === "oneof") {
      const chosen = value as {
        readonly case?: string;
        readonly value?: unknown;
      };
      const field = member.fields.find(({ localName }) =>
        localName === chosen.case
      );
      laid[capitalise(member.name)] = field === undefined
        ? null
        : { [capitalise(field.name)]: layField(field, chosen.value) };
    } else if (!isEmpty(value)) laid[member.name] = layField(member, value);
  }
  return laid;
}

function layField(field: DescField, value: unknown): Layout {
  switch (field.fieldKind) {
    case "message":
      return layOut(field.message, value as MessageShape<DescMessage>);
    case "list": {
      const item = (one: unknown): Layout =>
        field.listKind === "message"
          ? layOut(field.message, one as MessageShape<DescMessage>)
          : one as Layout;
      return (value as readonly unknown[]).map(item);
    }
    case "map":
      return Object.fromEntries(
        Object.entries(value as Readonly<Record<string, Layout>>).sort(
          ([a], [b]) => a < b ? -1 : 1,
        ),
      );
    case "scalar":
      switch (field.scalar) {
        case ScalarType.FLOAT:
          return shorten(value as number);
        case ScalarType.BYTES:
          return btoa(String.fromCharCode(...value as Uint8Array));
        default:
          return value as Layout;
      }
    case "enum":
      return value as number;
  }
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === "object") {
    return !("$typeName" in value) && Object.keys(value).length === 0;
  }
  return value === "" || value === 0 || value === 0n || value === false;
}

/** `peak_ewma` is `PeakEwma` in Go. */
function capitalise(name: string): string {
  return name.replaceAll(
    /(?:^|_)([a-z])/g,
    (_, letter: string) => letter.toUpperCase(),
  );
}

/** The shortest number that is the same one in 32 bits: 0.2, not 0.20000000298023224. */
function shorten(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
