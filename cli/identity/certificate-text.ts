import {
  type Element,
  memberAt,
  membersOf,
  readBits,
  readElement,
  readObjectId,
} from "./der-reader.ts";
import { isAuthority, readExtension } from "./extensions.ts";
import { CURVES, OBJECT_NAMES } from "./object-names.ts";

/** A certificate as people read it. */
export interface CertificateText {
  /** As `openssl x509 -noout -text` prints it. */
  readonly text: string;
  /** Whether it signs others. */
  readonly isAuthority: boolean;
}

/** Tags of what may be in a certificate besides what always is (RFC 5280 4.1). */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const UTC_TIME = 0x17;
/** Bytes of a serial number that fit a number of 64 bits; longer ones are shown byte by byte. */
const SERIAL_BYTES = 8;

/** Prints a certificate in DER. Throws `protocol.invalid` when it is damaged. */
export function formatCertificate(der: Uint8Array): CertificateText {
  const [body, algorithm, signature] = threeOf(membersOf(readElement(der)));
  const fields = membersOf(body);
  const versioned = fields[0]?.tag === VERSION;
  const version = versioned
    ? (membersOf(memberAt(fields, 0))[0]?.contents.at(-1) ?? 0)
    : 0;
  const [serial, , issuer, validity, subject, key] = Array.from(
    { length: 6 },
    (_, at) => memberAt(fields, at + (versioned ? 1 : 0)),
  ) as [Element, Element, Element, Element, Element, Element];
  const [from, to] = membersOf(validity);
  const list = fields.find(({ tag }) => tag === EXTENSIONS);
  const extensions = list === undefined
    ? []
    : membersOf(readElement(list.contents)).map(readExtension);
  const signed = nameOf(memberAt(membersOf(algorithm), 0));
  const lines = [
    "Certificate:",
    "    Data:",
    `        Version: ${version + 1} (0x${version})`,
    ...serialLines(serial),
    `        Signature Algorithm: ${signed}`,
    `        Issuer: ${formatName(issuer)}`,
    "        Validity",
    `            Not Before: ${formatTime(from)}`,
    `            Not After : ${formatTime(to)}`,
    `        Subject: ${formatName(subject)}`,
    "        Subject Public Key Info:",
    ...keyLines(key),
    ...(extensions.length > 0 ? ["        X509v3 extensions:"] : []),
    ...extensions.flatMap(({ title, critical, text }) => [
      `            ${title}: ${critical ? "critical" : ""}`,
      `                ${text}`,
    ]),
    `    Signature Algorithm: ${signed}`,
    "    Signature Value:",
    ...hexLines(readBits(signature), 18, 8),
  ];
  return {
    text: `${lines.join("\n")}\n`,
    isAuthority: isAuthority(extensions),
  };
}

function threeOf(members: readonly Element[]): [Element, Element, Element] {
  return [memberAt(members, 0), memberAt(members, 1), memberAt(members, 2)];
}

function serialLines({ contents }: Element): string[] {
  const digits = contents[0] === 0 && contents.length > 1
    ? contents.subarray(1)
    : contents;
  if (digits.length > SERIAL_BYTES) {
    return ["        Serial Number:", `            ${colons(digits)}`];
  }
  const value = digits.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return [`        Serial Number: ${value} (0x${value.toString(16)})`];
}

/** `CN = web, O = shop`. */
function formatName(name: Element): string {
  return membersOf(name).map((set) =>
    membersOf(set).map((pair) => {
      const [kind, value] = membersOf(pair);
      const text = new TextDecoder().decode(value?.contents);
      return kind === undefined ? text : `${nameOf(kind)} = ${text}`;
    }).join(" + ")
  ).join(", ");
}

/** `Nov 22 16:47:24 2026 GMT`; two digits of a year are of 1950 to 2049. */
function formatTime(time: Element | undefined): string {
  const text = new TextDecoder().decode(time?.contents);
  const full = time?.tag === UTC_TIME
    ? `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text}`
    : text;
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(full) ?? [];
  const name = MONTHS[Number(month) - 1] ?? month;
  return `${name} ${
    String(Number(day)).padStart(2)
  } ${hour}:${minute}:${second} ${year} GMT`;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function keyLines(key: Element): string[] {
  const [algorithm, bits] = membersOf(key);
  if (algorithm === undefined || bits === undefined) return [];
  const [kind, parameters] = membersOf(algorithm);
  const name = kind === undefined ? "" : nameOf(kind);
  const bytes = readBits(bits);
  return [
    `            Public Key Algorithm: ${name}`,
    ...(name === "rsaEncryption"
      ? rsaLines(bytes)
      : curveLines(bytes, parameters)),
  ];
}

function rsaLines(bytes: Uint8Array): string[] {
  const [modulus, exponent] = membersOf(readElement(bytes));
  const digits = modulus?.contents ?? new Uint8Array();
  const power = exponent?.contents.reduce((sum, byte) => sum * 256 + byte, 0) ??
    0;
  const size = (digits.length - (digits[0] === 0 ? 1 : 0)) * 8;
  return [
    `                Public-Key: (${size} bit)`,
    "                Modulus:",
    ...hexLines(digits, 15, 20),
    `                Exponent: ${power} (0x${power.toString(16)})`,
  ];
}

function curveLines(
  bytes: Uint8Array,
  parameters: Element | undefined,
): string[] {
  const curve = parameters === undefined
    ? undefined
    : CURVES[readObjectId(parameters)];
  return [
    `                Public-Key: (${curve?.bits ?? bytes.length * 8} bit)`,
    "                pub:",
    ...hexLines(bytes, 15, 20),
    ...(curve === undefined ? [] : [
      `                ASN1 OID: ${curve.name}`,
      `                NIST CURVE: ${curve.nist}`,
    ]),
  ];
}

function nameOf(id: Element): string {
  const number = readObjectId(id);
  return OBJECT_NAMES[number] ?? number;
}

function hexLines(
  bytes: Uint8Array,
  perLine: number,
  indent: number,
): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += perLine) {
    const isLast = at + perLine >= bytes.length;
    lines.push(
      " ".repeat(indent) + colons(bytes.subarray(at, at + perLine)) +
        (isLast ? "" : ":"),
    );
  }
  return lines;
}

function colons(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
