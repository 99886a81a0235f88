import { deepEqual, ok } from "node:assert/strict";
import { linesOf } from "../../proxy/testing/recorded-exchange.ts";
import {
  type FrameHandler,
  FrameReader,
} from "../../proxy/http2/frame-reader.ts";
import { FrameWriter } from "../../proxy/http2/frame-writer.ts";
import { Flag, FrameType, PREFACE } from "../../proxy/http2/frames.ts";
import { startClient, startServer } from "../../proxy/http2/testing/http2.ts";
import {
  formatFrame,
  type RawPeer,
} from "../../proxy/http2/testing/raw-peer.ts";
import { requestHead, send } from "../../proxy/testing/http1.ts";
import { createMemoryChannels } from "../../proxy/testing/memory-channel.ts";
import type { RecordedRequest } from "../../proxy/testing/recorded-exchange.ts";
import { turn } from "../../proxy/testing/recorder.ts";
import { cut, octets, oneOf, pick, type Random } from "./target.ts";

/** What a frame reader tells, DATA joined. */
function listen(): FrameHandler & { readonly told: string[] } {
  const told: string[] = [];
  let size = 0;
  let line = "";
  return {
    told,
    closed: false,
    dataStart(id, length, end) {
      line = `data ${id} ${length} ${end}`;
      size = length;
    },
    dataChunk: (chunk) => void (size -= chunk.length),
    dataEnd: () => void told.push(`${line} ${size}`),
    headers(id, end, bytes, from, to) {
      told.push(`headers ${id} ${end} ${bytes.slice(from, to).join()}`);
    },
    frame(type, flags, id, bytes, from, to) {
      told.push(`${type} ${flags} ${id} ${bytes.slice(from, to).join()}`);
    },
  };
}

/** What one end writes, the other reads, in chunks of any size. */
export function http2Frames(random: Random): void {
  const [channel] = createMemoryChannels();
  const writer = new FrameWriter(channel, { size: 0 });
  for (let count = 1 + pick(random, 12); count > 0; count--) {
    const id = 1 + 2 * pick(random, 5);
    const chunk = octets(random, pick(random, random() < 0.1 ? 40_000 : 50));
    switch (pick(random, 7)) {
      case 0:
        writer.data(id, chunk, 0, chunk.length);
        break;
      case 1:
        writer.endStream(id);
        break;
      case 2:
        writer.windowUpdate(id, 1 + pick(random, 1_000));
        break;
      case 3:
        writer.rstStream(id, pick(random, 14));
        break;
      case 4:
        writer.ping(Flag.none, octets(random, 8), 0);
        break;
      case 5:
        writer.settings([1 + pick(random, 6), pick(random, 16_384)]);
        break;
      default: {
        const at = writer.startHeaders();
        channel.out.append(chunk);
        writer.endHeaders(at, id, random() < 0.5);
      }
    }
  }
  const bytes = channel.out.bytes.slice(0, channel.out.length);
  const [whole, pieces] = [[bytes], cut(random, bytes)].map((chunks) => {
    const heard = listen();
    const reader = new FrameReader(heard, false);
    for (const piece of chunks) reader.read(piece);
    return heard.told;
  });
  deepEqual(pieces, whole);
  ok(
    (whole ?? []).every((line) =>
      !line.startsWith("data") || line.endsWith(" 0")
    ),
  );
}

/** Blocks of a GET, a POST, a response, trailers, and one that is malformed. */
const BLOCKS = [
  [0x82, 0x86, 0x84, 0x01, 0x01, 0x61],
  [0x83, 0x86, 0x84, 0x01, 0x01, 0x61],
  [0x88],
  [0x00, 0x01, 0x61, 0x01, 0x62],
  [0x00, 0x01, 0x41, 0x01, 0x62],
].map((block) => Uint8Array.from(block));
/** Payload sizes that frames of some type have. */
const SIZES = [0, 1, 4, 5, 6, 8, 12, 40];
const TYPES = Object.values(FrameType);

function randomFrame(random: Random): Uint8Array {
  if (random() < 0.03) return octets(random, pick(random, 30));
  const type = random() < 0.9 ? oneOf(random, TYPES) : pick(random, 256);
  const ends = [Flag.endHeaders | Flag.endStream, Flag.endHeaders, Flag.none];
  const flags = random() < 0.8 ? oneOf(random, ends) : pick(random, 256);
  const payload = type === FrameType.headers && random() < 0.9
    ? oneOf(random, BLOCKS)
    : octets(random, oneOf(random, SIZES));
  const id = random() < 0.8 ? 1 + 2 * pick(random, 4) : pick(random, 6);
  return formatFrame(type, flags, id, payload);
}

/**
 * Frames that make no sense give a typed error on either end, and the same one however they are cut; a connection that
 * has not ended answers.
 */
export async function http2Hostile(random: Random): Promise<void> {
  const frames = Array.from(
    { length: 1 + pick(random, 20) },
    () => randomFrame(random),
  );
  const asServer = random() < 0.5;
  const [whole, pieces] = [Infinity, 1 + pick(random, 40)];
  const first = await attack(asServer, frames, whole);
  const second = await attack(asServer, frames, pieces);
  deepEqual(second, first, "it depends on how the frames are cut");
}

async function attack(
  asServer: boolean,
  frames: readonly Uint8Array[],
  chunkBytes: number,
): Promise<unknown> {
  const options = { chunkBytes, now: () => 0 };
  if (asServer) {
    const { client, requests, near } = startServer(answer, options);
    client.send(PREFACE);
    client.settings([]);
    const lines = await play(client, frames);
    near.destroy();
    return { lines, requests: requests.map(describe) };
  }
  const { connection, server, far } = startClient(options);
  const responses = ["GET", "HEAD", "GET"].map((method) =>
    send(connection, requestHead(method, "/"))[0]
  );
  server.settings([]);
  const lines = await play(server, frames);
  far.destroy();
  return {
    lines,
    responses: responses.map(({ status, fields, body, ended, reset }) => ({
      ...{ status, fields, body, ended, code: reset?.code },
    })),
  };
}

function answer(request: RecordedRequest): void {
  if (request.exchange.head.path.text === "/") request.answer(200, "ok");
}

function describe(request: RecordedRequest): unknown {
  const { head, body, trailers, ended, reset, exchange } = request;
  const fields = linesOf(exchange.head.fields);
  return { head, fields, body, trailers, ended, code: reset?.code };
}

/** Sends all, then asks whether anybody is there; what was said, without windows, which depend on when. */
async function play(
  peer: RawPeer,
  frames: readonly Uint8Array[],
): Promise<string[]> {
  for (const frame of frames) peer.send(frame);
  // Ends a frame that random octets have announced, if it is not too large.
  peer.send(new Uint8Array(64));
  peer.ping();
  await turn();
  return peer.lines.filter((line) => !line.startsWith("windowUpdate"));
}
