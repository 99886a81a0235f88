import { Problem } from "../../schemas/problem.ts";

/** The names a leaf certificate vouches for. */
export interface SubjectNames {
  /** In lower case. */
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  /** Whichever comes first in the certificate: what a client is known by (facts: Linkerd takes the first SAN). */
  readonly first: string | null;
}

const SEQUENCE = 0x30;
const BOOLEAN = 0x01;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
/** `[3] EXPLICIT Extensions` of TBSCertificate (RFC 5280 4.1). */
const EXTENSIONS = 0xa3;
/** `[2] IA5String dNSName` and `[6] IA5String uniformResourceIdentifier` of GeneralName (RFC 5280 4.2.1.6). */
const DNS_NAME = 0x82;
const URI_NAME = 0x86;
/** 2.5.29.17, subjectAltName. */
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];
/** More names than any workload has; bounds the work an unknown peer can cause. */
const MAX_NAMES = 64;

/**
 * DNS and URI subject alternative names of a certificate in DER, read from the bytes themselves: text renderings such as
 * Node's `subjectaltname` join names with commas, so that a name with a comma in it can pose as two (CVE-2021-44532).
 * Throws `tls.refused` on anything that is not strict DER, on a second SAN extension, and on names with other than
 * visible ASCII characters.
 */
export function subjectNames(der: Uint8Array): SubjectNames {
  const dns: string[] = [];
  const uri: string[] = [];
  let first: string | null = null;
  for (const { tag, from, to } of generalNames(der)) {
    if (tag !== DNS_NAME && tag !== URI_NAME) continue;
    const name = visibleText(der, from, to);
    if (dns.length + uri.length === MAX_NAMES) {
      throw refused(`more than ${MAX_NAMES} names`);
    }
    if (tag === DNS_NAME) dns.push(name.toLowerCase());
    else uri.push(name);
    first ??= tag === DNS_NAME ? name.toLowerCase() : name;
  }
  return { dns, uri, first };
}

/** One tag-length-value: where its content is. */
interface Element {
  readonly tag: number;
  readonly from: number;
  readonly to: number;
}

function generalNames(der: Uint8Array): Element[] {
  const certificate = only(der, { tag: 0, from: 0, to: der.length }, SEQUENCE);
  const signed = children(der, certificate)[0];
  if (signed?.tag !== SEQUENCE) throw refused("no TBSCertificate");
  const wrappers = children(der, signed).filter((at) => at.tag === EXTENSIONS);
  if (wrappers.length > 1) throw refused("two lists of extensions");
  const wrapper = wrappers[0];
  if (wrapper === undefined) return [];
  const found = children(der, only(der, wrapper, SEQUENCE)).filter((at) =>
    isSubjectAltName(der, at)
  );
  if (found.length > 1) throw refused("two subjectAltName extensions");
  const extension = found[0];
  if (extension === undefined) return [];
  const value = extensionValue(der, extension);
  return children(der, only(der, value, SEQUENCE));
}

function isSubjectAltName(der: Uint8Array, extension: Element): boolean {
  if (extension.tag !== SEQUENCE) {
    throw refused("an extension that is no sequence");
  }
  const id = children(der, extension)[0];
  if (id?.tag !== OBJECT_ID) throw refused("an extension without identifier");
  return id.to - id.from === SUBJECT_ALT_NAME.length &&
    SUBJECT_ALT_NAME.every((byte, index) => der[id.from + index] === byte);
}

/** The octets of `SEQUENCE { OID, [BOOLEAN critical], OCTET STRING }`. */
function extensionValue(der: Uint8Array, extension: Element): Element {
  const parts = children(der, extension);
  const value = parts[parts.length - 1];
  const shaped = parts.length === 2 ||
    (parts.length === 3 && parts[1]?.tag === BOOLEAN);
  if (!shaped || value?.tag !== OCTET_STRING) {
    throw refused("a malformed subjectAltName extension");
  }
  return value;
}

/** The single element that must fill `parent`. */
function only(der: Uint8Array, parent: Element, tag: number): Element {
  const [child, more] = children(der, parent);
  if (child?.tag !== tag || more !== undefined) {
    throw refused(`content other than one element of tag ${tag}`);
  }
  return child;
}

function children(der: Uint8Array, parent: Element): Element[] {
  const found: Element[] = [];
  for (let at = parent.from; at < parent.to;) {
    const element = readElement(der, at, parent.to);
    found.push(element);
    at = element.to;
  }
  return found;
}

/** DER lengths are definite and as short as can be (X.690 10.1); tags of this structure take one byte. */
function readElement(der: Uint8Array, at: number, end: number): Element {
  const tag = der[at] ?? 0;
  if ((tag & 0x1f) === 0x1f) throw refused("a tag of several bytes");
  let length = der[at + 1] ?? 0;
  let from = at + 2;
  if (length > 0x7f) {
    const count = length & 0x7f;
    if (count < 1 || count > 3) throw refused("a length of unusual form");
    length = 0;
    for (let index = 0; index < count; index++) {
      length = (length << 8) | (der[from + index] ?? 0);
    }
    from += count;
    if (length < 0x80 || length < 1 << (8 * (count - 1))) {
      throw refused("a length that is not in its shortest form");
    }
  }
  const to = from + length;
  if (to > end) throw refused("an element that runs past its end");
  return { tag, from, to };
}

function visibleText(der: Uint8Array, from: number, to: number): string {
  if (from === to) throw refused("an empty name");
  let name = "";
  for (let at = from; at < to; at++) {
    const byte = der[at] ?? 0;
    if (byte <= 0x20 || byte >= 0x7f) {
      throw refused(`byte ${byte} in a name`);
    }
    name += String.fromCharCode(byte);
  }
  return name;
}

function refused(found: string): Problem {
  return new Problem(
    "tls.refused",
    `Cannot read the names of a peer's certificate: found ${found}`,
  );
}
