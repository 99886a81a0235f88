import { describe, expect, test } from "bun:test";
import { ErrorCode } from "../http/message.ts";
import { send } from "../testing/http1.ts";
import { turn } from "../testing/recorder.ts";
import { Flag, FrameType } from "./frames.ts";
import {
  Budget,
  MAX_CONTINUATIONS,
  MAX_UNREAD_REPLIES,
  RATES,
} from "./limits.ts";
import { withProxies } from "./options.ts";
import { Setting } from "./settings.ts";
import { type Flood, FLOODS, FLOODS_OF_SERVERS } from "./testing/floods.ts";
import { startClient, startServer } from "./testing/http2.ts";
import type { RawPeer } from "./testing/raw-peer.ts";

const CALM = ErrorCode.enhanceYourCalm;
/** A window of this size is used up by a frame of the largest size and one of a single octet. */
const FRAME_AND_ONE = 16_385;
/** A clock that stands still: only the bursts count. */
const now = () => 0;

const FLOODS_OF_CLIENTS: Readonly<Record<string, Flood>> = {
  ...FLOODS,
  "header lists too large": {
    limit: "faults",
    round: (peer, round) => peer.get(2 * round + 1, ["a: " + "x".repeat(1000)]),
  },
};

describe("a server is not hurt by floods", () => {
  test.each(Object.keys(FLOODS_OF_CLIENTS))("of %s", async (name) => {
    const flood = FLOODS_OF_CLIENTS[name] as Flood;
    const { client, violations } = startServer(() => {}, {
      now,
      maxHeaderListBytes: 1000,
    });
    client.start();
    for (let at = 0; at < (flood.streams ?? 0); at++) client.post(2 * at + 1);
    await repeat(client, flood);
    expect(client.lines.at(-1)).toEndWith(` ${CALM}`);
    expect(violations.at(-1)).toBe(flood.limit);
  });
});

describe("a client is not hurt by floods", () => {
  test.each(FLOODS_OF_SERVERS)("of %s", async (name) => {
    const flood = FLOODS[name] as Flood;
    const { connection, server, violations } = startClient({ now });
    const [response] = send(connection);
    server.settings([]);
    await server.line("headers 1");
    await repeat(server, flood);
    expect(server.lines.at(-1)).toBe(`goaway 0 ${CALM}`);
    expect(violations.at(-1)).toBe(flood.limit);
    expect(response.reset).not.toBe(null);
  });
});

test("more SETTINGS entries than there are end the connection", async () => {
  const { client } = startServer();
  client.start();
  client.settings(new Array(2 * 33).fill(0x9));
  expect(await client.line("goaway")).toBe(`goaway 0 ${CALM}`);
});

test("as many CONTINUATION frames as allowed are read", async () => {
  const { client } = startServer((request) => request.answer(200));
  client.start();
  const block = client.block([
    ":method: GET",
    ":scheme: http",
    ":path: /",
    ":authority: a",
  ]);
  client.frame(FrameType.headers, Flag.endStream, 1, block);
  for (let frame = 1; frame <= MAX_CONTINUATIONS; frame++) {
    const last = frame === MAX_CONTINUATIONS ? Flag.endHeaders : 0;
    client.frame(FrameType.continuation, last, 1);
  }
  await client.line("headers 1 end");
});

test("answers that nobody reads end the connection", async () => {
  const { client, violations, near, far } = startServer(
    (request) => request.answer(200, "x".repeat(60_000)),
    { now, highWaterBytes: 10_000 },
  );
  client.start();
  client.windowUpdate(0, 1_000_000);
  client.get(1);
  await client.line("headers 1");
  near.pause();
  client.get(3);
  await turn();
  // One chunk: the server reads no further once its output is congested.
  const ping = new Uint8Array([
    0,
    0,
    8,
    6,
    0,
    0,
    0,
    0,
    0,
    ...new Uint8Array(8),
  ]);
  const pings = new Uint8Array(ping.length * (MAX_UNREAD_REPLIES + 1));
  for (let at = 0; at < pings.length; at += ping.length) pings.set(ping, at);
  expect(far.congested).toBeTrue();
  far.resume();
  client.send(pings);
  await turn();
  near.resume();
  await client.end();
  expect(client.lines.at(-1)).toBe(`goaway 3 ${CALM}`);
  expect(violations).toEqual(["unreadReplies"]);
});

test("streams beyond the limit are refused, and may be tried again", async () => {
  const { client, requests, violations } = startServer(() => {}, {
    maxConcurrentStreams: 2,
  });
  client.start();
  for (const id of [1, 3, 5]) client.get(id);
  expect(await client.line("rstStream")).toBe(
    `rstStream 5 ${ErrorCode.refusedStream}`,
  );
  expect(violations).toEqual(["streams"]);
  requests[0]?.answer(200);
  client.get(7);
  while (requests.length < 3) await turn();
});

test("a client that lets only single octets through is left", async () => {
  const { client, violations } = startServer(
    (request) => request.answer(200, "x".repeat(100_000)),
    { now },
  );
  client.start([Setting.initialWindowSize, 1]);
  client.get(1);
  for (let round = 0; !client.over; round++) {
    client.windowUpdate(1, 1);
    await turn();
  }
  expect(client.lines.at(-1)).toBe(`goaway 1 ${CALM}`);
  expect(violations).toEqual(["tinyWindows"]);
});

test("what windows leave over of a large body is no flood", async () => {
  const { client, requests, violations } = startServer(
    (request) => request.begin(200),
    { now },
  );
  client.start([Setting.initialWindowSize, 1]);
  client.windowUpdate(0, 0x7fff_0000);
  client.get(1);
  await client.line("headers 1");
  for (let round = 0; round < 2 * RATES.tinyWindows.burst; round++) {
    requests[0]?.write("x".repeat(FRAME_AND_ONE));
    client.windowUpdate(1, FRAME_AND_ONE);
    await turn();
    client.lines = [];
  }
  expect(violations).toEqual([]);
});

test("resets that go with finished streams are no flood", async () => {
  const { client } = startServer((request) => {
    if (request.exchange.head.path.text === "/") request.answer(204);
  }, { now });
  client.start();
  const slow = [":method: GET", ":scheme: http", ":path: /slow"];
  for (let round = 0; round < 3 * RATES.resets.burst; round++) {
    client.headers(4 * round + 1, slow);
    client.reset(4 * round + 1, ErrorCode.cancel);
    client.get(4 * round + 3);
    await turn();
  }
  client.ping();
  await client.line("ping ack");
});

test("resets of requests that were being answered are no flood", async () => {
  const { client } = startServer((request) => request.begin(200), { now });
  client.start();
  for (let round = 0; round < 2 * RATES.resets.burst; round++) {
    client.get(2 * round + 1);
    await client.line(`headers ${2 * round + 1}`);
    client.lines = [];
    client.reset(2 * round + 1, ErrorCode.cancel);
  }
  client.ping();
  await client.line("ping ack");
});

test("a server that refuses all it is asked is no flood", async () => {
  const { connection, server, violations } = startClient({ now });
  server.settings([]);
  for (let round = 0; round < 2 * RATES.resets.burst; round++) {
    send(connection);
    await server.line(`headers ${2 * round + 1}`);
    server.lines = [];
    server.reset(2 * round + 1, ErrorCode.refusedStream);
    await turn();
  }
  expect(violations).toEqual([]);
  expect(connection.ready).toBeTrue();
});

test("another proxy may reset more, and have fields of its own in the way", async () => {
  const options = withProxies({ now, maxHeaderListBytes: 1_000 });
  const { client } = startServer(() => {}, options);
  client.start();
  for (let round = 0; round < 2 * RATES.resets.burst; round++) {
    client.get(2 * round + 1, [`a: ${"x".repeat(900)}`]);
    client.reset(2 * round + 1, ErrorCode.cancel);
  }
  client.ping();
  await client.line("ping ack");
});

test("a body that outruns its window without end is given up", async () => {
  const { client, requests, violations } = startServer((request) =>
    request.begin(200)
  );
  client.start();
  client.get(1);
  await client.line("headers 1");
  for (let round = 0; round < 50; round++) {
    requests[0]?.write("x".repeat(100_000));
  }
  expect(await client.line("rstStream")).toBe("rstStream 1 2");
  expect(requests[0]?.reset).toMatchObject({ origin: "local" });
  expect(violations).toEqual(["queuedBytes"]);
});

test("Budget admits its burst, then its rate, and what is refunded", () => {
  let nowMs = 0;
  const budget = new Budget({ burst: 3, perSecond: 2 }, () => nowMs);
  const spend = (times: number) =>
    Array.from({ length: times }, () => budget.spend());
  expect(spend(4)).toEqual([true, true, true, false]);
  nowMs = 1000;
  expect(spend(3)).toEqual([true, true, false]);
  budget.refund(1);
  expect(spend(2)).toEqual([true, false]);
  nowMs = 100_000;
  expect(spend(4)).toEqual([true, true, true, false]);
});

/** Repeats a flood until the other end has finished. */
async function repeat(peer: RawPeer, flood: Flood): Promise<void> {
  for (let round = 0; !peer.over; round++) {
    expect(round).toBeLessThan(5_000);
    flood.round(peer, round);
    if (round % 16 === 0) await turn();
  }
}
