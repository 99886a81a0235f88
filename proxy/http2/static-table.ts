import { Field } from "../http/field.ts";

/** RFC 7541 appendix A: entries 1 to 61, `name` or `name: value`. */
const ENTRIES = `:authority
:method: GET
:method: POST
:path: /
:path: /index.html
:scheme: http
:scheme: https
:status: 200
:status: 204
:status: 206
:status: 304
:status: 400
:status: 404
:status: 500
accept-charset
accept-encoding: gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`.split("\n");

/** The static table; index 0 is unused. */
export const STATIC_TABLE: readonly Field[] = [
  Field.of("x-unused", ""),
  ...ENTRIES.map(parseEntry),
];

/** Dynamic entries are numbered after the static ones. */
export const STATIC_ENTRIES = 61;

/** Only entries up to here have a value worth matching: the pseudo-fields and accept-encoding. */
const LAST_WITH_VALUE = 16;

/** The static index of a whole field, 0 when it has none. */
export function findStatic(field: Field): number {
  const { name } = field;
  let index = name.staticIndex;
  if (index === 0 || index > LAST_WITH_VALUE) return 0;
  for (; STATIC_TABLE[index]?.name === name; index++) {
    const value = STATIC_TABLE[index]?.value;
    if (value !== undefined && sameBytes(value, field.value)) return index;
  }
  return 0;
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) {
    if (left[at] !== right[at]) return false;
  }
  return true;
}

function parseEntry(line: string, position: number): Field {
  const colon = line.indexOf(":", 1);
  const field = colon < 0
    ? Field.of(line, "")
    : Field.of(line.slice(0, colon), line.slice(colon + 2));
  field.repeated = true;
  if (field.name.staticIndex === 0) field.name.staticIndex = position + 1;
  return field;
}
