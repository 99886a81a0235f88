import { Problem } from "../../schemas/problem.ts";

/** An element of DER, as `schemas/der.ts` writes them. */
export interface Element {
  readonly tag: number;
  readonly contents: Uint8Array;
  /** Where the next one begins. */
  readonly end: number;
}

/** Reads the element at a place (X.690 8.1). Throws `protocol.invalid` when it is not whole. */
export function readElement(bytes: Uint8Array, at = 0): Element {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw damaged();
  let from = at + 2;
  let length = first;
  if (first > 0x7f) {
    const sizes = bytes.subarray(from, from + (first & 0x7f));
    length = sizes.reduce((sum, byte) => sum * 256 + byte, 0);
    from += sizes.length;
  }
  const end = from + length;
  if (end > bytes.length) throw damaged();
  return { tag, contents: bytes.subarray(from, end), end };
}

/** The elements inside an element. */
export function membersOf({ contents }: Pick<Element, "contents">): Element[] {
  const members: Element[] = [];
  for (let at = 0; at < contents.length;) {
    const member = readElement(contents, at);
    members.push(member);
    at = member.end;
  }
  return members;
}

/** A member that must be there. */
export function memberAt(members: readonly Element[], at: number): Element {
  const member = members[at];
  if (member === undefined) throw damaged();
  return member;
}

/** `1.2.840.10045.4.3.2`: the first two arcs share a byte, the rest are base 128. */
export function readObjectId({ contents }: Element): string {
  const [first = 0, ...rest] = contents;
  const arcs = [Math.floor(first / 40), first % 40];
  let arc = 0;
  for (const byte of rest) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  return arcs.join(".");
}

/** The bytes of a bit string; the first one says how many bits of the last are unused. */
export function readBits({ contents }: Element): Uint8Array {
  return contents.subarray(1);
}

function damaged(): Problem {
  return new Problem(
    "protocol.invalid",
    "Cannot read the certificate: it ends before its contents do",
  );
}
