import { expect, test } from "bun:test";
import { Output } from "../channel.ts";
import { Field } from "../http/field.ts";
import { FieldBlock } from "./field-block.ts";
import { HeaderDecoder } from "./hpack-decode.ts";
import { HeaderEncoder } from "./hpack-encode.ts";
import {
  CODE_LENGTHS,
  CODES,
  decodedSizeLimit,
  decodeHuffman,
} from "./huffman.ts";
import { MAX_HEADER_LIST_BYTES } from "./limits.ts";
import { seeded } from "./testing/random.ts";

// RFC 7541 appendix C: header blocks in hex and what they mean, one connection per group.
const REQUESTS = [
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
  [
    ":method: GET",
    ":scheme: http",
    ":path: /",
    ":authority: www.example.com",
    "cache-control: no-cache",
  ],
  [
    ":method: GET",
    ":scheme: https",
    ":path: /index.html",
    ":authority: www.example.com",
    "custom-key: custom-value",
  ],
];
const RESPONSES = [
  [
    ":status: 302",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
  ],
  [
    ":status: 307",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
  ],
  [
    ":status: 200",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:22 GMT",
    "location: https://www.example.com",
    "content-encoding: gzip",
    "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
  ],
];
/** Appendix C.5 and C.6 assume a table of 256 bytes: this update says so. */
const TABLE_256 = "3fe101";
const VECTORS: readonly {
  name: string;
  blocks: string[];
  lists: string[][];
}[] = [
  {
    name: "C.2.1 literal with indexing",
    blocks: ["400a637573746f6d2d6b65790d637573746f6d2d686561646572"],
    lists: [["custom-key: custom-header"]],
  },
  {
    name: "C.2.3 literal never indexed",
    blocks: ["100870617373776f726406736563726574"],
    lists: [["password: secret"]],
  },
  {
    name: "C.2.4 indexed",
    blocks: ["82"],
    lists: [[":method: GET"]],
  },
  {
    name: "C.3 requests without Huffman",
    blocks: [
      "828684410f7777772e6578616d706c652e636f6d",
      "828684be58086e6f2d6361636865",
      "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ],
    lists: REQUESTS,
  },
  {
    name: "C.4 requests with Huffman",
    blocks: [
      "828684418cf1e3c2e5f23a6ba0ab90f4ff",
      "828684be5886a8eb10649cbf",
      "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ],
    lists: REQUESTS,
  },
  {
    name: "C.5 responses without Huffman, with eviction",
    blocks: [
      TABLE_256 +
      "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a" +
      "31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
      "4803333037c1c0bf",
      "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04" +
      "677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49" +
      "553b206d61782d6167653d333630303b2076657273696f6e3d31",
    ],
    lists: RESPONSES,
  },
  {
    name: "C.6 responses with Huffman, with eviction",
    blocks: [
      TABLE_256 +
      "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e" +
      "919d29ad171863c78f0b97c8e9ae82ae43d3",
      "4883640effc1c0bf",
      "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7" +
      "821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed" +
      "4ee5b1063d5007",
    ],
    lists: RESPONSES,
  },
];

for (const { name, blocks, lists } of VECTORS) {
  test(`HeaderDecoder reads RFC 7541 ${name}`, () => {
    const decoder = new HeaderDecoder();
    expect(blocks.map((hex) => decode(decoder, fromHex(hex)))).toEqual(lists);
  });
}

test("HeaderDecoder refuses an index that names no entry", () => {
  for (const hex of ["80", "be", "ff00"]) {
    expect(() => decode(new HeaderDecoder(), fromHex(hex))).toThrow("index");
  }
});

test("HeaderDecoder refuses strings and integers that are cut short or endless", () => {
  for (
    const hex of [
      "40",
      "4001",
      "400161",
      "40016102",
      "7f",
      "ff",
      "ffffffffffffff00",
    ]
  ) {
    expect(() => decode(new HeaderDecoder(), fromHex(hex))).toThrow(
      "Cannot decode a header block",
    );
  }
});

test("HeaderDecoder refuses a table larger than it allowed, and an update after fields", () => {
  expect(() => decode(new HeaderDecoder(), fromHex("3fe21f"))).toThrow("4097");
  expect(() => decode(new HeaderDecoder(), fromHex("8220"))).toThrow("late");
});

test("HeaderDecoder empties its table when told to", () => {
  const decoder = new HeaderDecoder();
  decode(decoder, fromHex("4001610162"));
  expect(decode(decoder, fromHex("be"))).toEqual(["a: b"]);
  expect(() => decode(decoder, fromHex("20be"))).toThrow("index 62");
});

test("HeaderDecoder evicts the oldest entries first", () => {
  const decoder = new HeaderDecoder();
  // 31 + 1 + 1 + 32 bytes fit 63 times into 4,096.
  for (let round = 0; round < 100; round++) {
    decode(decoder, literal("x".repeat(31), String(round % 10)));
  }
  expect(decode(decoder, fromHex("be"))).toEqual([`${"x".repeat(31)}: 9`]);
  expect(decode(decoder, fromHex("fc"))).toEqual([`${"x".repeat(31)}: 7`]);
  expect(decode(decoder, fromHex("fd")).length).toBe(1);
  expect(() => decode(decoder, fromHex("ff00"))).toThrow("index 127");
});

test("HeaderDecoder gives literals met again, on any connection, as one object", () => {
  const meet = () =>
    block(new HeaderDecoder(), literal("x-shared", "value")).fields[0];
  // The slot of the cache may belong to a field that other tests made hot: every miss cools it.
  let [previous, field] = [meet(), meet()];
  for (let round = 0; round < 100 && field !== previous; round++) {
    [previous, field] = [field, meet()];
  }
  expect(field).toBe(previous);
  expect(field?.repeated).toBe(true);
});

test("HeaderDecoder keeps equal values under different names apart", () => {
  const decoder = new HeaderDecoder();
  expect(decode(decoder, literal("abc", "v"))).toEqual(["abc: v"]);
  expect(decode(decoder, literal("xbc", "v"))).toEqual(["xbc: v"]);
});

test("a bomb of indexed fields is counted and not kept", () => {
  const decoder = new HeaderDecoder();
  decode(decoder, literal("bomb", "x".repeat(4000)));
  const found = block(decoder, new Uint8Array(16_384).fill(0xbe));
  expect(found.tooLarge).toBe(true);
  expect(found.fields.length).toBeLessThan(17);
});

test("a field refused once is refused by index too", () => {
  const decoder = new HeaderDecoder();
  expect(block(decoder, literal("Upper", "x")).fault).toContain("Upper");
  expect(block(decoder, fromHex("be")).fault).toContain("Upper");
  expect(block(decoder, literal("fine", "x")).fault).toBe(null);
});

test("a never-indexed field is passed on never indexed", () => {
  const [field] = block(new HeaderDecoder(), fromHex("10036b657905746f6b656e"))
    .fields;
  expect(field?.secret).toBe(true);
  expect(encode(new HeaderEncoder(), [repeated(field as Field)])[0]).toBe(0x10);
});

test("HeaderEncoder indexes what is repeated, by identity", () => {
  const encoder = new HeaderEncoder();
  const field = repeated(Field.of("x-app", "checkout"));
  expect(encode(encoder, [field]).length).toBeGreaterThan(10);
  expect(toHex(encode(encoder, [field]))).toBe("be");
});

test("HeaderEncoder does not index what it meets once", () => {
  const encoder = new HeaderEncoder();
  const field = Field.of("x-request-id", "8f1d");
  expect(encode(encoder, [field])).toEqual(encode(encoder, [field]));
});

test("HeaderEncoder never indexes secrets", () => {
  const encoder = new HeaderEncoder();
  for (const name of ["authorization", "cookie", "set-cookie"]) {
    const field = repeated(Field.of(name, "secret"));
    expect((encode(encoder, [field])[0] ?? 0) & 0xf0).toBe(0x10);
    expect((encode(encoder, [field])[0] ?? 0) & 0xf0).toBe(0x10);
  }
});

test("HeaderEncoder uses whole static entries", () => {
  const fields = [
    Field.of(":method", "GET"),
    Field.of(":scheme", "https"),
    Field.of(":path", "/"),
    Field.of(":status", "404"),
    Field.of("accept-encoding", "gzip, deflate"),
  ];
  expect(toHex(encode(new HeaderEncoder(), fields))).toBe("8287848d90");
});

test("HeaderEncoder announces a smaller table, also one that grew again", () => {
  const encoder = new HeaderEncoder();
  const field = repeated(Field.of("x-app", "checkout"));
  encode(encoder, [field]);
  encoder.resize(0);
  expect(toHex(encode(encoder, [])).startsWith("20")).toBe(true);
  encoder.resize(100);
  encoder.resize(0);
  encoder.resize(4096);
  expect(toHex(encode(encoder, []))).toBe("203fe11f");
});

test("HeaderEncoder and HeaderDecoder agree on random lists through random table sizes", () => {
  const random = seeded(7541);
  const encoder = new HeaderEncoder();
  const decoder = new HeaderDecoder();
  const pool = Array.from(
    { length: 60 },
    (_, at) =>
      repeated(
        Field.of(`x-${at % 20}`, "v".repeat(Math.floor(random() * 200)) + at),
      ),
  );
  for (let round = 0; round < 2000; round++) {
    if (random() < 0.05) encoder.resize(Math.floor(random() * 5000));
    const list = Array.from(
      { length: Math.floor(random() * 12) },
      () => pool[Math.floor(random() * pool.length)] as Field,
    );
    const { fields } = block(decoder, encode(encoder, list));
    expect(fields.map(format)).toEqual(list.map(format));
  }
});

test("decodeHuffman reads back every octet string", () => {
  const random = seeded(1);
  const all = Uint8Array.from({ length: 256 }, (_, at) => at);
  expect(huffmanDecode(huffmanEncode(all))).toEqual(all);
  for (let round = 0; round < 500; round++) {
    const text = Uint8Array.from(
      { length: Math.floor(random() * 40) },
      () => Math.floor(random() * 256),
    );
    expect(huffmanDecode(huffmanEncode(text))).toEqual(text);
  }
});

test("decodeHuffman refuses EOS, long padding and padding that is not ones", () => {
  for (const hex of ["ffffffff", "ff", "1fff", "1e"]) {
    expect(() => huffmanDecode(fromHex(hex))).toThrow("Huffman");
  }
});

function block(decoder: HeaderDecoder, bytes: Uint8Array): FieldBlock {
  const found = new FieldBlock(MAX_HEADER_LIST_BYTES);
  decoder.decode(bytes, 0, bytes.length, found);
  return found;
}

/** All fields as text, pseudo-fields in the order the class names them. */
function decode(decoder: HeaderDecoder, bytes: Uint8Array): string[] {
  const found = block(decoder, bytes);
  const { method, scheme, path, authority, status } = found;
  return [method, scheme, path, authority, status, ...found.fields]
    .filter((field) => field !== null).map(format);
}

function encode(encoder: HeaderEncoder, fields: Field[]): Uint8Array {
  const out = new Output();
  encoder.begin(out);
  for (const field of fields) encoder.write(out, field);
  return out.bytes.slice(0, out.length);
}

function repeated(field: Field): Field {
  field.repeated = true;
  return field;
}

function format(field: Field): string {
  return `${field.name.text}: ${field.text}`;
}

/** A literal with incremental indexing and a new name. */
function literal(name: string, value: string): Uint8Array {
  const text = (string: string) => {
    const { length } = string;
    const size = length < 127
      ? [length]
      : [127, (length - 127) & 0x7f | 0x80, (length - 127) >> 7];
    return [...size, ...new TextEncoder().encode(string)];
  };
  return Uint8Array.from([0x40, ...text(name), ...text(value)]);
}

function huffmanEncode(bytes: Uint8Array): Uint8Array {
  let bits = "";
  for (const byte of bytes) {
    bits += (CODES[byte] ?? 0).toString(2).padStart(
      CODE_LENGTHS[byte] ?? 0,
      "0",
    );
  }
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Uint8Array.from(
    bits.match(/.{8}/g) ?? [],
    (octet) => parseInt(octet, 2),
  );
}

function huffmanDecode(bytes: Uint8Array): Uint8Array {
  const target = new Uint8Array(decodedSizeLimit(bytes.length));
  return target.slice(0, decodeHuffman(bytes, 0, bytes.length, target));
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(
    hex.match(/../g) ?? [],
    (octet) => parseInt(octet, 16),
  );
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}
