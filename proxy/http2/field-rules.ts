import { type Name, Name as FieldName, NameFlag } from "../http/field.ts";
import { AUTHORITY, METHOD, PATH, SCHEME, STATUS } from "../http/message.ts";

const TE = FieldName.of("te");
const CONTENT_LENGTH = FieldName.of("content-length");
const TRAILERS = "trailers";

/** Octet classes, one bit each. */
const LOWER_TOKEN = 1; // a field name (RFC 9110 5.6.2), without capitals (RFC 9113 8.2.1)
const TOKEN = 2; // a method
const VALUE = 4; // field-content, tab and space (RFC 9110 5.5)
const TARGET = 8; // what may stand in an HTTP/1 request line: nothing that could end it
const AUTHORITY_CHAR = 16; // no path, query, fragment or userinfo (RFC 9113 8.3.1)
const SCHEME_CHAR = 32; // RFC 3986 3.1
const DIGIT = 64;
const CLASSES = classify();

/** True for a lower-case token. */
export function isFieldName(bytes: Uint8Array): boolean {
  return bytes.length > 0 && consistsOf(bytes, LOWER_TOKEN);
}

/**
 * True when a field may stand in an HTTP/2 message at all (RFC 9113 8.2): the value's octets are allowed, the field is
 * not connection-specific, and pseudo-fields have a value that cannot break an HTTP/1 request line later.
 */
export function isFieldAllowed(name: Name, value: Uint8Array): boolean {
  if ((name.flags & NameFlag.pseudo) !== 0) return isPseudoValue(name, value);
  if ((name.flags & NameFlag.hopByHop) !== 0) return false;
  if ((name.flags & NameFlag.framing) !== 0) {
    return name === CONTENT_LENGTH && value.length > 0 &&
      consistsOf(value, DIGIT);
  }
  if (name === TE && !isTrailers(value)) return false;
  return isFieldValue(value);
}

function isFieldValue(value: Uint8Array): boolean {
  return consistsOf(value, VALUE) && !isBlank(value[0]) &&
    !isBlank(value[value.length - 1]);
}

function isPseudoValue(name: Name, value: Uint8Array): boolean {
  if (value.length === 0) return false;
  switch (name) {
    case PATH:
      return consistsOf(value, TARGET);
    case METHOD:
      return consistsOf(value, TOKEN);
    case SCHEME:
      return consistsOf(value, SCHEME_CHAR);
    case AUTHORITY:
      return consistsOf(value, AUTHORITY_CHAR);
    case STATUS:
      return value.length === 3 && consistsOf(value, DIGIT);
    default:
      return false;
  }
}

function consistsOf(bytes: Uint8Array, bit: number): boolean {
  for (let at = 0; at < bytes.length; at++) {
    if (((CLASSES[bytes[at] ?? 0] ?? 0) & bit) === 0) return false;
  }
  return true;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

function isTrailers(value: Uint8Array): boolean {
  if (value.length !== TRAILERS.length) return false;
  for (let at = 0; at < value.length; at++) {
    if (value[at] !== TRAILERS.charCodeAt(at)) return false;
  }
  return true;
}

function classify(): Uint8Array {
  const classes = new Uint8Array(256);
  const mark = (chars: string, bits: number) => {
    for (const char of chars) {
      const code = char.charCodeAt(0);
      classes[code] = (classes[code] ?? 0) | bits;
    }
  };
  const lower = "abcdefghijklmnopqrstuvwxyz";
  const digits = "0123456789";
  mark(
    lower + digits + "!#$%&'*+-.^_`|~",
    LOWER_TOKEN | TOKEN,
  );
  mark(lower.toUpperCase(), TOKEN);
  mark(lower + lower.toUpperCase() + digits + "+-.", SCHEME_CHAR);
  mark(digits, DIGIT);
  mark("\t ", VALUE);
  for (let code = 0x21; code < 0x100; code++) {
    if (code !== 0x7f) mark(String.fromCharCode(code), VALUE | TARGET);
  }
  for (let code = 0x21; code < 0x7f; code++) {
    const char = String.fromCharCode(code);
    if (!"/?#@\\".includes(char)) mark(char, AUTHORITY_CHAR);
  }
  return classes;
}
