import { describe, expect, test } from "bun:test";
import { ErrorCode } from "../http/message.ts";
import { requestHead, send, sendWithBody } from "../testing/http1.ts";
import { turn } from "../testing/recorder.ts";
import { MAX_HELD_BYTES } from "./limits.ts";
import { Setting } from "./settings.ts";
import { startPair, startServer } from "./testing/http2.ts";

const KIB = 1024;

describe("sending", () => {
  test("stops at the stream's window, and drains when it grows", async () => {
    const { client, requests } = startServer((request) => request.begin(200));
    client.start([Setting.initialWindowSize, 10]);
    client.get(1);
    await client.line("headers 1");
    const [request] = requests;
    expect(request?.write("0123456789")).toBeTrue();
    expect(request?.write("0123456789")).toBeFalse();
    request?.exchange.end([]);
    await turn();
    expect(client.received(1)).toBe(10);
    client.windowUpdate(1, 4);
    await turn();
    expect(client.received(1)).toBe(14);
    client.settings([Setting.initialWindowSize, 16]);
    await client.line("data 1 6 end");
  });

  test("tells the source to go on once the queue is empty", async () => {
    const { client, requests } = startServer((request) => request.begin(200));
    client.start([Setting.initialWindowSize, 10]);
    client.get(1);
    await client.line("headers 1");
    expect(requests[0]?.write("x".repeat(30))).toBeFalse();
    client.windowUpdate(1, 10);
    await turn();
    expect(requests[0]?.drains).toBe(0);
    client.windowUpdate(1, 10);
    await turn();
    expect(requests[0]?.drains).toBe(1);
  });

  test("waits while a smaller setting has made the window negative", async () => {
    const { client, requests } = startServer((request) => request.begin(200));
    client.start([Setting.initialWindowSize, 20]);
    client.get(1);
    await client.line("headers 1");
    requests[0]?.write("x".repeat(15));
    await client.line("data 1 15");
    client.settings([Setting.initialWindowSize, 5]);
    await turn();
    requests[0]?.write("yy");
    client.windowUpdate(1, 10);
    await turn();
    expect(client.received(1)).toBe(15);
    client.windowUpdate(1, 1);
    await client.line("data 1 1");
  });

  test("shares the connection's window among streams, a frame each in turn", async () => {
    const { client, requests } = startServer((request) => request.begin(200));
    client.start([Setting.initialWindowSize, 1_000_000]);
    for (const id of [1, 3, 5]) client.get(id);
    await client.line("headers 5");
    for (const request of requests) request.write("x".repeat(100_000));
    await client.line("data 1");
    // The first took all of the connection's window; what is granted next goes round.
    expect(client.received(1)).toBe(65_535);
    client.windowUpdate(0, 3 * 16_384);
    await client.line("data 5");
    expect(client.received(1)).toBe(65_535 + 16_384);
    expect(client.received(3)).toBe(16_384);
    expect(client.received(5)).toBe(16_384);
  });

  test("pauses sources while the client reads nothing, and nothing gets lost", async () => {
    const { client, requests, near } = startServer((request) =>
      request.begin(200)
    );
    client.start([Setting.initialWindowSize, 0x7fffffff]);
    client.windowUpdate(0, 0x7fffffff - 65_535);
    client.get(1);
    await client.line("headers 1");
    near.pause();
    let sent = 0;
    while (requests[0]?.write("x".repeat(10_000))) sent += 10_000;
    sent += 10_000;
    await turn();
    expect(requests[0]?.drains).toBe(0);
    near.resume();
    while (requests[0]?.drains === 0) await turn();
    while (client.received(1) < sent) await turn();
    expect(client.received(1)).toBe(sent);
  });

  test("stops reading requests while the client reads no responses", async () => {
    const { client, requests, near } = startServer((request) =>
      request.answer(200, "x".repeat(30_000))
    );
    client.start();
    near.pause();
    for (let id = 1; id < 100; id += 2) {
      client.get(id);
      await turn();
    }
    expect(requests.length).toBeLessThan(10);
    near.resume();
    client.windowUpdate(0, 10_000_000);
    while (requests.length < 50) await turn();
  });
});

describe("receiving", () => {
  test("credits both windows once half is used", async () => {
    const { client } = startServer(() => {}, {
      initialStreamWindow: 10_000,
      initialConnectionWindow: 100_000,
    });
    client.start();
    client.post(1);
    client.body(1, 4_999, false);
    await turn();
    expect(client.lines.some((line) => line.startsWith("windowUpdate 1")))
      .toBeFalse();
    client.body(1, 1, false);
    await client.line("windowUpdate 1 5000");
    for (let round = 0; round < 9; round++) client.body(1, 5_000, false);
    await client.line("windowUpdate 0 50000");
  });

  test("does not credit a paused stream, but the connection all the same", async () => {
    const { client, requests } = startServer((request) => {
      request.accepting = request.exchange.head.path.text === "/";
    });
    client.start();
    const slow = [":scheme: http", ":path: /slow", ":authority: a"];
    client.headers(1, [":method: POST", ...slow], 0x4);
    client.post(3);
    for (let round = 0; round < 3; round++) client.body(1, 16_384, false);
    client.body(1, 16_383, false);
    for (let round = 0; round < 30; round++) {
      client.body(3, 16_384, false);
      await turn();
    }
    await client.line("windowUpdate 0 5");
    const updates = (id: number) =>
      client.lines.filter((line) => line.startsWith(`windowUpdate ${id} `));
    expect(updates(1)).toEqual([]);
    expect(updates(3).length).toBeGreaterThan(10);
    expect(requests[0]?.body.length).toBe(65_535);
    requests[0]?.exchange.resumeRequest();
    expect(await client.line("windowUpdate 1")).toBe("windowUpdate 1 65535");
  });

  test("ends a stream that sends more than its window", async () => {
    const { client, requests } = startServer((request) => {
      request.accepting = false;
    });
    client.start();
    client.post(1);
    client.post(3);
    for (let round = 0; round < 4; round++) client.body(1, 16_384, false);
    expect(await client.line("rstStream")).toBe(
      `rstStream 1 ${ErrorCode.flowControlError}`,
    );
    expect(requests[0]?.reset?.origin).toBe("protocol");
    expect(requests[1]?.reset).toBe(null);
  });

  test("counts padding and gives it back", async () => {
    const { client, requests } = startServer(() => {}, {
      initialStreamWindow: 1_000,
    });
    client.start();
    client.post(1);
    await client.line("settings ack");
    for (let round = 0; round < 20; round++) {
      client.frame(0, 0x8, 1, [200, 1, 2, ...new Uint8Array(200)]);
      await turn();
    }
    expect(requests[0]?.body.length).toBe(40);
    expect(requests[0]?.reset).toBe(null);
  });

  test("withholds the connection's window when paused streams hold too much", async () => {
    const { client, requests, sent, granted } = await fillPausedStreams();
    expect(sent).toBeGreaterThan(MAX_HELD_BYTES);
    expect(sent).toBeLessThan(MAX_HELD_BYTES + 1_100_000);
    for (const { exchange } of requests) exchange.resumeRequest();
    await turn();
    expect(granted()).toBeGreaterThan(sent);
    client.ping();
    await client.line("ping ack");
  });

  test("ends a connection that sends more than its window", async () => {
    const { client } = await fillPausedStreams();
    client.body(3, 1, false);
    expect(await client.line("goaway")).toBe(
      `goaway 3 ${ErrorCode.flowControlError}`,
    );
  });
});

/** Sends all that the connection's window admits to two streams whose readers have paused. */
async function fillPausedStreams() {
  const { client, requests } = startServer((request) => {
    request.accepting = false;
  }, { initialStreamWindow: 9_000_000, initialConnectionWindow: 1_000_000 });
  client.start();
  client.post(1);
  client.post(3);
  const granted = () =>
    client.lines.filter((line) => line.startsWith("windowUpdate 0 "))
      .reduce((sum, line) => sum + Number(line.split(" ")[2]), 65_535);
  let sent = 0;
  for (let quiet = 0; quiet < 5; quiet++) {
    const size = Math.min(16_384, granted() - sent);
    if (size > 0) {
      client.body(sent < 8_900_000 ? 1 : 3, size, false);
      sent += size;
      quiet = 0;
    }
    await turn();
  }
  return { client, requests, sent, granted };
}

test("a slow reader of one stream does not stall the others of its connection", async () => {
  const { connection, requests } = startPair(() => {});
  const [slow] = send(connection, requestHead("GET", "/slow"));
  slow.accepting = false;
  const [fast] = send(connection, requestHead("GET", "/fast"));
  while (requests.length < 2) await turn();
  const piece = new Uint8Array(16_384);
  for (const request of requests) request.begin(200);
  while (requests[0]?.exchange.data(piece)) await turn();
  let sent = 0;
  while (sent < 4 * KIB * KIB) {
    sent += piece.length;
    if (requests[1]?.exchange.data(piece) === false) {
      const { drains } = requests[1];
      while (requests[1].drains === drains) await turn();
    }
  }
  requests[1]?.exchange.end([]);
  while (!fast.ended) await turn();
  expect(fast.body.length).toBe(sent);
  expect(slow.body.length).toBeLessThanOrEqual(65_535);
  connection.destroy();
});

test("an upload waits for a server that does not read it", async () => {
  const { connection, requests } = startPair((request) => {
    request.accepting = false;
  });
  const [, stream] = sendWithBody(connection, requestHead("POST", "/"));
  const piece = new Uint8Array(16_384);
  let sent = 0;
  while (stream.data(piece)) sent += piece.length;
  await turn();
  expect(requests[0]?.body.length).toBeLessThanOrEqual(65_535);
  const [request] = requests;
  if (request !== undefined) request.accepting = true;
  request?.exchange.resumeRequest();
  stream.end([]);
  while (!request?.ended) await turn();
  expect(request.body.length).toBe(sent + piece.length);
  connection.destroy();
});
