import { deepEqual, ok } from "node:assert/strict";
import { Output } from "../../proxy/channel.ts";
import { Field, Name, NameFlag } from "../../proxy/http/field.ts";
import { ConnectionFault } from "../../proxy/http2/fault.ts";
import { FieldBlock } from "../../proxy/http2/field-block.ts";
import { HeaderDecoder } from "../../proxy/http2/hpack-decode.ts";
import { HeaderEncoder } from "../../proxy/http2/hpack-encode.ts";
import { MAX_HEADER_LIST_BYTES } from "../../proxy/http2/limits.ts";
import { mutate, octets, oneOf, pick, type Random } from "./target.ts";

const NAMES = [
  ...["accept", "authorization", "cookie", "content-type", "user-agent"],
  ...["x-request-id", "grpc-status", "etag", "a", "x-".padEnd(300, "n")],
];
/** Values that tables have, that come again, and that are long. */
const VALUES = ["", "*/*", "gzip, deflate", "0", "v".repeat(200)];

/** A field that HTTP allows, with any octets it may have. */
function randomField(random: Random): Field {
  const name = Name.of(oneOf(random, NAMES));
  const value = random() < 0.5
    ? new TextEncoder().encode(oneOf(random, VALUES))
    : octets(random, pick(random, random() < 0.1 ? 5_000 : 40))
      .map((octet) => octet < 0x21 || octet === 0x7f ? 0x61 : octet);
  const field = new Field(name, value);
  field.repeated = random() < 0.5;
  field.secret ||= random() < 0.05;
  return field;
}

function randomList(random: Random): Field[] {
  const list = Array.from(
    { length: pick(random, 12) },
    () => randomField(random),
  );
  // The same objects again: they are what the encoder's table is searched for.
  return random() < 0.5 ? [...list, ...list] : list;
}

function encode(encoder: HeaderEncoder, fields: readonly Field[]): Uint8Array {
  const out = new Output();
  encoder.begin(out);
  for (const field of fields) encoder.write(out, field);
  return out.bytes.slice(0, out.length);
}

function decode(decoder: HeaderDecoder, bytes: Uint8Array): FieldBlock {
  const block = new FieldBlock(MAX_HEADER_LIST_BYTES);
  // Not at the start of the array, as in a chunk of a socket.
  const chunk = new Uint8Array(bytes.length + 20);
  chunk.set(bytes, 10);
  decoder.decode(chunk, 10, 10 + bytes.length, block);
  chunk.fill(0xee);
  return block;
}

const linesOf = (fields: readonly Field[]): string[] =>
  fields.map(({ name, text }) => `${name.text}: ${text}`);

/** What one end encodes, the other decodes: the same fields, secrets still marked, tables of any size in step. */
export function hpackPair(random: Random): void {
  const encoder = new HeaderEncoder();
  const decoder = new HeaderDecoder();
  for (let blocks = 1 + pick(random, 20); blocks > 0; blocks--) {
    if (random() < 0.2) encoder.resize(pick(random, 6_000));
    const list = randomList(random);
    const { fields, fault } = decode(decoder, encode(encoder, list));
    deepEqual(fault, null);
    deepEqual(linesOf(fields), linesOf(list));
    for (const [at, field] of list.entries()) {
      if (field.secret) ok(fields[at]?.secret, `${field.name.text} leaked`);
    }
  }
}

/** Octets that nobody encoded give fields that HTTP allows, a fault of the message, or a typed error. */
export function hpackDecode(random: Random): void {
  const encoder = new HeaderEncoder();
  const decoder = new HeaderDecoder();
  for (let blocks = 1 + pick(random, 6); blocks > 0; blocks--) {
    const bytes = random() < 0.5
      ? octets(random, pick(random, 60))
      : mutate(random, encode(encoder, randomList(random)), 4);
    try {
      const block = decode(decoder, bytes);
      if (block.fault === null) expectSound(block);
    } catch (error) {
      if (error instanceof ConnectionFault) return;
      throw error;
    }
  }
}

function expectSound({ fields, method, path, authority }: FieldBlock): void {
  const pseudo = [method, path, authority].filter((field) => field !== null);
  for (const { name, text } of [...fields, ...pseudo]) {
    ok(!/[\r\n\0]/.test(text), `${name.text} could end a line`);
  }
  for (const { name } of fields) {
    ok(/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name.text), `name "${name.text}"`);
    ok((name.flags & NameFlag.hopByHop) === 0, `${name.text} is of one hop`);
  }
}
