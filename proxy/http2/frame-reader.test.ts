import { expect, test } from "bun:test";
import { createMemoryChannels } from "../testing/memory-channel.ts";
import { type FrameHandler, FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { Flag } from "./frames.ts";

test("what FrameWriter writes, FrameReader reads, in chunks of any size", () => {
  const [channel] = createMemoryChannels();
  const writer = new FrameWriter(channel, { size: 0 });
  const body = Uint8Array.from({ length: 40_000 }, (_, at) => at % 251);
  writer.settings([3, 100, 4, 70_000]);
  writer.settingsAck();
  writer.ping(Flag.ack, body, 3);
  writer.data(1, body, 0, body.length);
  writer.endStream(1);
  writer.endStream(3);
  writer.rstStream(5, 8);
  writer.windowUpdate(7, 1_000);
  writer.goaway(7, 11, "enough");
  const at = writer.startHeaders();
  channel.out.append(body);
  writer.endHeaders(at, 9, true);
  const bytes = channel.out.bytes.slice(0, channel.out.length);
  const whole = read(bytes, bytes.length);
  expect(whole).toEqual([
    "4 0 0 12",
    "4 1 0 0",
    "6 1 0 8",
    "data 1 16384 false",
    "data 1 16384 false",
    "data 1 7232 true",
    "data 3 0 true",
    "3 0 5 4",
    "8 0 7 4",
    "7 0 0 14",
    "headers 9 true 40000",
  ]);
  for (const size of [1, 2, 3, 8, 9, 10, 11, 100, 16_384, 16_393]) {
    expect(read(bytes, size)).toEqual(whole);
  }
});

test("small pieces of one turn share a frame, up to its largest size", () => {
  const [channel] = createMemoryChannels();
  const writer = new FrameWriter(channel, { size: 0 });
  const piece = new Uint8Array(10_000);
  writer.data(1, piece, 0, 10_000);
  writer.data(1, piece, 0, 10_000);
  writer.data(3, piece, 0, 10);
  writer.data(1, piece, 0, 10);
  writer.endStream(3);
  expect(read(channel.out.bytes.slice(0, channel.out.length), 1e6)).toEqual([
    "data 1 16384 false",
    "data 1 3616 false",
    "data 3 10 false",
    "data 1 10 false",
    "data 3 0 true",
  ]);
});

/** What a reader tells of bytes that come in chunks of a size. */
function read(bytes: Uint8Array, chunkBytes: number): string[] {
  const told: string[] = [];
  let data = 0;
  let line = "";
  const handler: FrameHandler = {
    closed: false,
    dataStart(id, size, end) {
      line = `data ${id} ${size} ${end}`;
      data = size;
    },
    dataChunk: (chunk) => void (data -= chunk.length),
    dataEnd() {
      told.push(data === 0 ? line : `${line}, ${data} missing`);
    },
    headers(id, end, _bytes, from, to) {
      told.push(`headers ${id} ${end} ${to - from}`);
    },
    frame(type, flags, id, _bytes, from, to) {
      told.push(`${type} ${flags} ${id} ${to - from}`);
    },
  };
  const reader = new FrameReader(handler, false);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    reader.read(bytes.slice(at, at + chunkBytes));
  }
  return told;
}
