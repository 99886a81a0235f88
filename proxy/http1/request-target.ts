import { Field, type FieldCache } from "../http/field.ts";
import { AUTHORITY, PATH, SCHEME } from "../http/message.ts";
import { hashLine } from "./field-line.ts";
import { AUTHORITY_TEXT, consistsOf, TARGET } from "./octets.ts";
import { Refusal } from "./refusal.ts";

const SLASH = 0x2f;

/** A request target taken apart; `scheme` and `authority` are those of the absolute form. */
export interface Target {
  readonly path: Field;
  readonly scheme: Field | null;
  readonly authority: Field | null;
}

/** The `:path` of a target in origin-form (RFC 9112 3.2.1), or null for the other forms. */
export function parseOriginForm(
  bytes: Uint8Array,
  start: number,
  end: number,
  cache: FieldCache,
): Field | null {
  if (bytes[start] !== SLASH) return null;
  // No field line is the same as a target: lines end in CRLF, targets cannot.
  const hash = hashLine(bytes, start, end);
  const known = cache.find(hash, bytes, start, end);
  if (known !== null) return known;
  if (!consistsOf(TARGET, bytes, start, end)) throw refuse();
  const path = new Field(PATH, bytes.slice(start, end));
  cache.add(hash, bytes, start, end, path);
  return path;
}

/** A target in authority-form (for CONNECT alone), absolute-form or asterisk-form (RFC 9112 3.2.2 to 3.2.4). */
export function parseOtherForm(method: string, target: Uint8Array): Target {
  if (!consistsOf(TARGET, target, 0, target.length)) throw refuse();
  const text = String.fromCharCode(...target);
  if (method === "CONNECT") {
    if (!CONNECT_TARGET.test(text)) {
      throw new Refusal(
        400,
        "Cannot read request target of CONNECT: expected host:port",
      );
    }
    return { path: new Field(PATH, target), scheme: null, authority: null };
  }
  if (text === "*" && method === "OPTIONS") {
    return { path: ASTERISK, scheme: null, authority: null };
  }
  const [whole, scheme, authority] = ABSOLUTE_TARGET.exec(text) ?? [];
  if (whole === undefined || scheme === undefined || authority === undefined) {
    throw refuse();
  }
  const authorityStart = whole.length - authority.length;
  const value = target.slice(authorityStart, whole.length);
  if (!consistsOf(AUTHORITY_TEXT, value, 0, value.length)) throw refuse();
  return {
    path: absolutePath(method, target.slice(whole.length)),
    scheme: new Field(SCHEME, ascii(scheme.toLowerCase())),
    authority: new Field(AUTHORITY, value),
  };
}

/** An empty path stands for `/`, and with OPTIONS for the server as a whole (RFC 9112 3.2.1, 3.2.4). */
function absolutePath(method: string, rest: Uint8Array): Field {
  if (rest.length === 0 && method === "OPTIONS") return ASTERISK;
  if (rest[0] === SLASH) return new Field(PATH, rest);
  const path = new Uint8Array(rest.length + 1);
  path[0] = SLASH;
  path.set(rest, 1);
  return new Field(PATH, path);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function refuse(): Refusal {
  return new Refusal(
    400,
    "Cannot read request target: expected a path or an absolute URI of visible characters",
  );
}

const ASTERISK = new Field(PATH, ascii("*"));
const CONNECT_TARGET = /^(\[[0-9A-Fa-f:.]+\]|[\w.~%!$&'()*+;=-]+):\d{1,5}$/;
const ABSOLUTE_TARGET = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?]+)/;
