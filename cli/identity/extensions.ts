import { formatIp } from "../../schemas/address.ts";
import {
  type Element,
  memberAt,
  membersOf,
  readBits,
  readElement,
  readObjectId,
} from "./der-reader.ts";
import { KEY_USAGES, OBJECT_NAMES } from "./object-names.ts";

const BOOLEAN = 0x01;

/** An extension of a certificate, in OpenSSL's words. */
export interface Extension {
  readonly title: string;
  readonly critical: boolean;
  readonly text: string;
}

/** Reads one of a certificate's extensions; one that we do not know is told by number, its bytes as text. */
export function readExtension(extension: Element): Extension {
  const members = membersOf(extension);
  const id = readObjectId(memberAt(members, 0));
  const value = memberAt(members, members.length - 1).contents;
  const show = SHOWS[id];
  return {
    title: OBJECT_NAMES[id] ?? id,
    critical: members[1]?.tag === BOOLEAN,
    text: show === undefined ? printable(value) : show(readElement(value)),
  };
}

/** Whether a certificate's extensions say that it signs others. */
export function isAuthority(extensions: readonly Extension[]): boolean {
  return extensions.some(({ title, text }) =>
    title === OBJECT_NAMES["2.5.29.19"] && text.startsWith("CA:TRUE")
  );
}

const SHOWS: Readonly<Record<string, (value: Element) => string>> = {
  "2.5.29.14": ({ contents }) => hex(contents),
  "2.5.29.15": (value) => {
    const bits = readBits(value);
    return KEY_USAGES.filter((_, at) =>
      ((bits[at >> 3] ?? 0) & (0x80 >> (at & 7))) !== 0
    ).join(", ");
  },
  "2.5.29.17": (value) => membersOf(value).map(showName).join(", "),
  "2.5.29.19": (value) => {
    const members = membersOf(value);
    const isCa = members[0]?.tag === BOOLEAN && members[0].contents[0] !== 0;
    const length = members.at(-1);
    const limit = length === undefined || length.tag === BOOLEAN
      ? ""
      : `, pathlen:${
        length.contents.reduce((sum, byte) => sum * 256 + byte, 0)
      }`;
    return `CA:${isCa ? "TRUE" : "FALSE"}${limit}`;
  },
  "2.5.29.35": (value) =>
    membersOf(value).filter(({ tag }) => tag === 0x80)
      .map(({ contents }) => hex(contents)).join("\n"),
  "2.5.29.37": (value) =>
    membersOf(value).map(readObjectId).map((id) => OBJECT_NAMES[id] ?? id)
      .join(", "),
};

/** One of the names of a subject, by its kind (RFC 5280 4.2.1.6). */
function showName({ tag, contents }: Element): string {
  const text = new TextDecoder().decode(contents);
  switch (tag) {
    case 0x81:
      return `email:${text}`;
    case 0x82:
      return `DNS:${text}`;
    case 0x86:
      return `URI:${text}`;
    case 0x87:
      return `IP Address:${formatIp(contents)}`;
    default:
      return "othername:<unsupported>";
  }
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0"))
    .join(":").toUpperCase();
}

function printable(bytes: Uint8Array): string {
  return [...bytes].map((byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."
  ).join("");
}
