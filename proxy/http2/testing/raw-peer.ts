import { type Channel, Output } from "../../channel.ts";
import { Field, Name } from "../../http/field.ts";
import { FieldBlock } from "../field-block.ts";
import { type FrameHandler, FrameReader } from "../frame-reader.ts";
import {
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
  PREFACE,
  readUint32,
  writeFrameHeader,
  writeUint32,
} from "../frames.ts";
import { HeaderDecoder } from "../hpack-decode.ts";
import { HeaderEncoder } from "../hpack-encode.ts";

const GET = [":method: GET", ":scheme: http", ":path: /", ":authority: a"];
const POST = [":method: POST", ...GET.slice(1)];
const NAMES = Object.keys(FrameType);

/** One end of an HTTP/2 connection played by hand: sends any frame, and keeps a line of each frame it gets. */
export class RawPeer {
  /** Frames received: `headers 1 end | :status: 200`, `data 1 13`, `rstStream 1 8`, `goaway 3 11`, … */
  lines: string[] = [];
  /** True once the other end has finished, or the channel is gone. */
  over = false;
  drains = 0;
  private readonly channel: Channel;
  private readonly encoder = new HeaderEncoder();
  private readonly decoder = new HeaderDecoder();
  private waiting: (() => void)[] = [];

  /** `server`: expects the client's preface. */
  constructor(channel: Channel, server: boolean) {
    this.channel = channel;
    const reader = new FrameReader(this.handler(), server);
    channel.attach({
      data: (chunk) => reader.read(chunk),
      end: () => this.finish(),
      drain: () => void this.drains++,
      close: () => this.finish(),
    });
  }

  /** Sends what a client starts with. */
  start(settings: readonly number[] = []): void {
    this.send(PREFACE);
    this.settings(settings);
  }

  send(bytes: Uint8Array): void {
    this.channel.write(bytes);
  }

  frame(
    type: number,
    flags: number,
    streamId: number,
    payload: Uint8Array | readonly number[] = [],
  ): void {
    this.send(formatFrame(type, flags, streamId, Uint8Array.from(payload)));
  }

  /** `pairs`: setting and value in turn. */
  settings(pairs: readonly number[]): void {
    const payload = new Uint8Array(pairs.length * 3);
    for (let at = 0; at < pairs.length; at += 2) {
      payload[at * 3 + 1] = pairs[at] ?? 0;
      writeUint32(payload, at * 3 + 2, pairs[at + 1] ?? 0);
    }
    this.frame(FrameType.settings, Flag.none, 0, payload);
  }

  /** Ends the stream unless `flags` say otherwise. */
  headers(
    streamId: number,
    fields: readonly string[],
    flags: number = Flag.endHeaders | Flag.endStream,
  ): void {
    this.frame(FrameType.headers, flags, streamId, this.block(fields));
  }

  /** A request without a body. */
  get(streamId: number, more: readonly string[] = []): void {
    this.headers(streamId, [...GET, ...more]);
  }

  /** A request whose body follows. */
  post(streamId: number, more: readonly string[] = []): void {
    this.headers(streamId, [...POST, ...more], Flag.endHeaders);
  }

  body(streamId: number, bytes: number, end: boolean): void {
    const flags = end ? Flag.endStream : Flag.none;
    const payload = new Uint8Array(bytes).fill(0x61);
    this.frame(FrameType.data, flags, streamId, payload);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.frame(FrameType.windowUpdate, Flag.none, streamId, octets(increment));
  }

  reset(streamId: number, code: number): void {
    this.frame(FrameType.rstStream, Flag.none, streamId, octets(code));
  }

  goaway(lastId: number, code: number): void {
    const payload = [...octets(lastId), ...octets(code)];
    this.frame(FrameType.goaway, Flag.none, 0, payload);
  }

  ping(flags: number = Flag.none, text = "pingpong"): void {
    this.frame(FrameType.ping, flags, 0, bytesOf(text));
  }

  /** An encoded header block of fields written `name: value`. */
  block(fields: readonly string[]): Uint8Array {
    const out = new Output();
    this.encoder.begin(out);
    for (const line of fields) {
      const colon = line.indexOf(": ", 1);
      const [name, value] = [line.slice(0, colon), line.slice(colon + 2)];
      this.encoder.write(out, new Field(Name.of(name), bytesOf(value)));
    }
    return out.bytes.slice(0, out.length);
  }

  /** Resolves with the first line, present or to come, that begins so; the test's own timeout is the limit. */
  async line(start: string): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => line.startsWith(start));
      if (found !== undefined) return found;
      if (this.over) throw new Error(`no "${start}" in ${this.lines.join()}`);
      await this.event();
    }
  }

  async end(): Promise<void> {
    while (!this.over) await this.event();
  }

  /** Octets of DATA received on a stream. */
  received(streamId: number): number {
    return this.lines.reduce((sum, line) => {
      const [type, id, size] = line.split(" ");
      return sum + (type === "data" && id === `${streamId}` ? Number(size) : 0);
    }, 0);
  }

  /** Resolves with the next line, or the end. */
  private event(): Promise<void> {
    return new Promise((resolve) => void this.waiting.push(resolve));
  }

  private add(line: string): void {
    this.lines.push(line);
    this.wake();
  }

  private finish(): void {
    this.over = true;
    this.wake();
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  private handler(): FrameHandler {
    let dataLine = "";
    return {
      closed: false,
      dataStart(id, size, endStream) {
        dataLine = `data ${id} ${size}${endStream ? " end" : ""}`;
      },
      dataChunk() {},
      dataEnd: () => this.add(dataLine),
      headers: (id, endStream, bytes, start, end) => {
        const block = new FieldBlock(Infinity);
        this.decoder.decode(bytes, start, end, block);
        const { method, scheme, authority, path, status, host } = block;
        const fields = [method, scheme, authority, path, status, host]
          .filter((field) => field !== null).concat(block.fields)
          .map((field) => `${field.name.text}: ${field.text}`);
        const head = `headers ${id}${endStream ? " end" : ""}`;
        this.add([head, ...fields].join(" | "));
      },
      frame: (type, flags, id, bytes, start) => {
        this.add(describe(type, flags, id, bytes, start));
      },
    };
  }
}

function describe(
  type: number,
  flags: number,
  id: number,
  bytes: Uint8Array,
  start: number,
): string {
  const name = NAMES[type] ?? `unknown${type}`;
  switch (type) {
    case FrameType.goaway:
      return `${name} ${readUint32(bytes, start)} ${
        readUint32(bytes, start + 4)
      }`;
    case FrameType.rstStream:
    case FrameType.windowUpdate:
      return `${name} ${id} ${readUint32(bytes, start)}`;
    default:
      return (flags & Flag.ack) !== 0 ? `${name} ack` : name;
  }
}

/** The bytes of one frame. */
export function formatFrame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, flags, streamId);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function octets(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, value);
  return bytes;
}
