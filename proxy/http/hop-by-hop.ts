import { type Field, Name, NameFlag } from "./field.ts";

/** What a message says about its own connection, and what remains to be forwarded. */
export interface Hop {
  /** The fields without those that belong to one connection (RFC 9110 7.6.1). */
  readonly fields: readonly Field[];
  /** `connection: close` was among them. */
  readonly close: boolean;
  /** `connection: keep-alive` was among them; means something in HTTP/1.0 only. */
  readonly keepAlive: boolean;
  /** Another protocol is asked for (request) or begins (101); its `connection` and `upgrade` fields are kept. */
  readonly upgrade: boolean;
}

/** True for a field that makes `splitHop` necessary. */
export function isHopByHop(field: Field): boolean {
  return (field.name.flags & NameFlag.hopByHop) !== 0 || field.name === TE ||
    field.name === HTTP2_SETTINGS;
}

/**
 * Takes the fields of one connection out: those RFC 9110 7.6.1 lists, all that `connection` names, and `te` unless it
 * is `trailers` (which RFC 9113 8.2.2 lets pass). `mayUpgrade`: the message can ask for or begin another protocol. An
 * upgrade to `h2c` never counts: it would carry requests past the proxy.
 */
export function splitHop(fields: readonly Field[], mayUpgrade: boolean): Hop {
  const options: string[] = [];
  const protocols: string[] = [];
  for (const field of fields) {
    if (field.name === CONNECTION) addItems(options, field.text);
    else if (field.name === UPGRADE) addItems(protocols, field.text);
  }
  const upgrade = mayUpgrade && protocols.length > 0 &&
    !protocols.includes("h2c");
  return {
    fields: fields.filter((field) => isKept(field, options, upgrade)),
    close: options.includes("close"),
    keepAlive: options.includes("keep-alive"),
    upgrade,
  };
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

function addItems(items: string[], list: string): void {
  for (const item of list.toLowerCase().split(",")) {
    const trimmed = item.trim();
    if (trimmed !== "") items.push(trimmed);
  }
}

const CONNECTION = Name.of("connection");
const UPGRADE = Name.of("upgrade");
const TE = Name.of("te");
const HTTP2_SETTINGS = Name.of("http2-settings");
