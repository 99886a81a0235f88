import { describe, expect, test } from "bun:test";
import { Output } from "../channel.ts";
import {
  decodeHeader,
  encodeHeader,
  MAX_HEADER_BYTES,
  TransportHeaderReader,
  writeTransportHeader,
} from "./transport-header.ts";
import { Writer } from "./writer.ts";

const PREFACE = "transport.l5d.io/v1\r\n\r\n";
const bytes = (text: string) => new TextEncoder().encode(text);

/** Preface and an announced length, without what should follow. */
function announce(length: number): Uint8Array {
  const announced = new Uint8Array(4);
  new DataView(announced.buffer).setUint32(0, length);
  return Uint8Array.of(...bytes(PREFACE), ...announced);
}

describe("writeTransportHeader()", () => {
  test("writes preface, length and message", () => {
    const out = new Output();
    writeTransportHeader(out, { port: 8080, name: "", session: null });
    expect([...out.bytes.subarray(0, out.length)]).toEqual([
      ...bytes(PREFACE),
      ...[0, 0, 0, 3, 8, 0x90, 0x3f],
    ]);
  });
});

test("a session to be detected is an empty message, which Linkerd reads as none", () => {
  const header = { port: 80, name: "", session: "detect" } as const;
  const encoded = encodeHeader(header);
  expect([...encoded]).toEqual([8, 80, 0x1a, 0]);
  expect(decodeHeader(encoded)).toEqual(header);
});

describe("TransportHeaderReader", () => {
  test("refuses garbage at its first byte", () => {
    const garbage = ["GET / HTTP/1.1\r\n", "\0", "transport.l5d.io/v2\r\n\r\n"];
    for (const text of garbage) {
      expect(() => new TransportHeaderReader().push(bytes(text))).toThrow(
        "of the preface",
      );
    }
    const dripped = new TransportHeaderReader();
    expect(dripped.push(bytes("trans"))).toBeNull();
    expect(() => dripped.push(bytes("Port"))).toThrow("at 5 of the preface");
  });

  test("refuses a huge length when it is announced, before anything follows", () => {
    for (const length of [MAX_HEADER_BYTES + 1, 0xffff_ffff]) {
      expect(() => new TransportHeaderReader().push(announce(length))).toThrow(
        `a length of ${length}`,
      );
    }
    expect(new TransportHeaderReader().push(announce(MAX_HEADER_BYTES)))
      .toBeNull();
  });

  test("takes a header of the largest size, with payload behind it", () => {
    const port = new Writer().uint32(1, 80).finish();
    const padding = new Uint8Array(MAX_HEADER_BYTES - port.length - 4);
    const body = new Writer().uint32(1, 80).blob(9, padding).finish();
    expect(body.length).toBe(MAX_HEADER_BYTES);
    const reader = new TransportHeaderReader();
    expect(reader.push(announce(body.length))).toBeNull();
    expect(reader.push(body.subarray(0, 40_000))).toBeNull();
    const rest = Uint8Array.of(...body.subarray(40_000), 1, 2, 3);
    expect(reader.push(rest)).toEqual({
      header: { port: 80, name: "", session: null },
      consumed: rest.length - 3,
    });
  });
});

describe("decodeHeader()", () => {
  test("refuses ports and names that cannot be reached", () => {
    for (const port of [0, 65_536, 0xffff_ffff]) {
      const message = new Writer().uint32(1, port).finish();
      expect(() => decodeHeader(message)).toThrow("found port");
    }
    const long = `${"a".repeat(63)}.`.repeat(4);
    for (const name of ["a b", "-a", "a..b", "a/b", "\0", "1.2.3.4:80", long]) {
      const message = new Writer().uint32(1, 80).string(2, name).finish();
      expect(() => decodeHeader(message)).toThrow("found name");
    }
  });

  test("refuses a session of an unknown kind rather than pass it on as opaque", () => {
    const message = new Writer().uint32(1, 80)
      .message(3, (session) => session.message(3, () => {})).finish();
    expect(() => decodeHeader(message)).toThrow("a session of an unknown kind");
  });
});
