import { type Field, Name, NameFlag } from "./field.ts";

/** What a message says about its own connection, one bit each. */
export const Hop = {
  /** `connection: close` was among its fields. */
  close: 1,
  /** `connection: keep-alive` was among them; means something in HTTP/1.0 only. */
  keepAlive: 2,
  /** Another protocol is asked for (request) or begins (101); its `connection` and `upgrade` fields are kept. */
  upgrade: 4,
} as const;

/** True for a field that makes `splitHop` necessary. */
export function isHopByHop(field: Field): boolean {
  return (field.name.flags & NameFlag.hopByHop) !== 0 || field.name === TE ||
    field.name === HTTP2_SETTINGS;
}

/**
 * Takes the fields of one connection out of `fields`: those RFC 9110 7.6.1 lists, all that `connection` names, and `te`
 * unless it is `trailers` (which RFC 9113 8.2.2 lets pass). `mayUpgrade`: the message can ask for or begin another
 * protocol. An upgrade to `h2c` never counts: it would carry requests past the proxy. Returns bits of `Hop`.
 */
export function splitHop(fields: Field[], mayUpgrade: boolean): number {
  const options = itemsOf(fields, CONNECTION);
  const protocols = itemsOf(fields, UPGRADE);
  const upgrade = mayUpgrade && protocols.length > 0 &&
    !protocols.includes("h2c");
  let kept = 0;
  for (const field of fields) {
    if (isKept(field, options, upgrade)) fields[kept++] = field;
  }
  while (fields.length > kept) fields.pop();
  return (options.includes("close") ? Hop.close : 0) |
    (options.includes("keep-alive") ? Hop.keepAlive : 0) |
    (upgrade ? Hop.upgrade : 0);
}

function isKept(
  field: Field,
  options: readonly string[],
  upgrade: boolean,
): boolean {
  const { name } = field;
  if (name === CONNECTION || name === UPGRADE) return upgrade;
  if (name === TE) return field.text.toLowerCase() === "trailers";
  if (isHopByHop(field)) return false;
  return options.length === 0 || !options.includes(name.text);
}

/** The items of all fields of a name, in lower case. */
function itemsOf(fields: readonly Field[], name: Name): readonly string[] {
  let items = NO_ITEMS;
  for (const field of fields) {
    if (field.name !== name) continue;
    const more = LISTS.get(field.text) ?? parseList(field.text);
    items = items.length === 0 ? more : [...items, ...more];
  }
  return items;
}

function parseList(list: string): readonly string[] {
  return list.toLowerCase().split(",").map((item) => item.trim())
    .filter((item) => item !== "");
}

const NO_ITEMS: readonly string[] = [];
/** What servers say with every response need not be taken apart every time. */
const LISTS: ReadonlyMap<string, readonly string[]> = new Map(
  ["keep-alive", "Keep-Alive", "close", "Close"].map((
    list,
  ) => [list, parseList(list)]),
);
const CONNECTION = Name.of("connection");
const UPGRADE = Name.of("upgrade");
const TE = Name.of("te");
const HTTP2_SETTINGS = Name.of("http2-settings");
