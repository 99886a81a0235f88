/** Octets with a meaning in HTTP/1 framing. */
export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;

/** Per octet: itself in lower case when it may stand in a token (RFC 9110 5.6.2), otherwise 0. */
export const TOKEN = tabulate((octet) => {
  if (octet >= 0x41 && octet <= 0x5a) return octet + 0x20;
  return isAlphanumeric(octet) || "!#$%&'*+-.^_`|~".includes(chr(octet))
    ? octet
    : 0;
});

/** Per octet: 1 when it may stand in a field value: visible, obs-text, SP or TAB (RFC 9110 5.5); never CR, LF, NUL. */
export const TEXT = tabulate((octet) =>
  (octet >= SP && octet !== 0x7f) || octet === TAB ? 1 : 0
);

/**
 * Per octet: 1 when it may stand in a request target. Wider than RFC 3986, as deployed clients are, but without what
 * ends a target early in some parser: white space, controls and `#`.
 */
export const TARGET = tabulate((octet) =>
  octet > SP && octet !== 0x7f && octet !== 0x23 ? 1 : 0
);

/**
 * Per octet: 1 when it may stand in `host` or an authority (RFC 3986 3.2.2 and 3.2.3). Without `@` (RFC 9110 4.2.4) and
 * without the comma, which would read as two hosts.
 */
export const AUTHORITY_TEXT = tabulate((octet) =>
  isAlphanumeric(octet) || "-._~%!$&'()*+;=:[]".includes(chr(octet)) ? 1 : 0
);

/** Per octet: the value of a hexadecimal digit, otherwise 255. */
export const HEX = tabulate((octet) => {
  const digit = "0123456789abcdef".indexOf(chr(octet).toLowerCase());
  return digit < 0 ? 255 : digit;
});

/** Whether every octet of the range has a non-zero entry in the table. */
export function consistsOf(
  table: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  for (let at = start; at < end; at++) {
    if (table[bytes[at] ?? 0] === 0) return false;
  }
  return true;
}

/** Whether two byte ranges are the same; `bytes` must be long enough. */
export function startsWith(
  bytes: Uint8Array,
  start: number,
  prefix: Uint8Array,
): boolean {
  if (bytes.length - start < prefix.length) return false;
  for (let at = 0; at < prefix.length; at++) {
    if (bytes[start + at] !== prefix[at]) return false;
  }
  return true;
}

function tabulate(entry: (octet: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => entry(octet));
}

function isAlphanumeric(octet: number): boolean {
  return /^[0-9A-Za-z]$/.test(chr(octet));
}

function chr(octet: number): string {
  return String.fromCharCode(octet);
}
