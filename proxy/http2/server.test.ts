import { describe, expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import { ErrorCode, ResponseHead } from "../http/message.ts";
import { createMemoryChannels } from "../testing/memory-channel.ts";
import { linesOf, RecordedRequest } from "../testing/recorded-exchange.ts";
import { turn } from "../testing/recorder.ts";
import { Flag, FrameType, PREFACE } from "./frames.ts";
import { serveHttp2 } from "./server.ts";
import { startServer } from "./testing/http2.ts";
import { RawPeer } from "./testing/raw-peer.ts";

const HEAD = [":method: GET", ":scheme: http", ":path: /", ":authority: a"];

function answerOk(request: RecordedRequest): void {
  request.afterEnd(() => request.answer(200, "ok"));
}

describe("serveHttp2() requests", () => {
  test("come with their head, body and trailers", async () => {
    const { client, requests } = startServer(answerOk);
    client.start();
    client.post(1, ["accept: */*", "cookie: a=1", "cookie: b=2"]);
    client.body(1, 3, false);
    client.body(1, 4, false);
    client.headers(1, ["x-sum: 7"]);
    await client.line("data 1 2");
    const [request] = requests;
    const head = request?.exchange.head;
    expect(head?.version).toBe("2");
    expect(head?.authority?.text).toBe("a");
    expect(head?.scheme?.text).toBe("http");
    expect(head?.host).toBe(null);
    expect(linesOf(head?.fields ?? [])).toEqual([
      "accept: */*",
      "cookie: a=1",
      "cookie: b=2",
    ]);
    expect(request?.body).toBe("a".repeat(7));
    expect(request?.trailers).toEqual(["x-sum: 7"]);
    expect(client.lines).toContain(
      "headers 1 | :status: 200 | content-length: 2",
    );
    expect(client.lines).toContain("data 1 2 end");
  });

  test("may be split over CONTINUATION frames and padded", async () => {
    const { client, requests } = startServer(answerOk);
    client.start();
    const block = client.block([...HEAD, "x-long: " + "v".repeat(50)]);
    const padded = [3, ...block.subarray(0, 9), 0, 0, 0];
    client.frame(
      FrameType.headers,
      Flag.padded | Flag.endStream,
      1,
      padded,
    );
    client.frame(FrameType.continuation, 0, 1, block.subarray(9, 20));
    client.frame(
      FrameType.continuation,
      Flag.endHeaders,
      1,
      block.subarray(20),
    );
    await client.line("data 1 2 end");
    expect(requests[0]?.exchange.head.fields[0]?.text.length).toBe(50);
  });

  test("may begin with bytes that detection has put back", async () => {
    const [near, far] = createMemoryChannels();
    const client = new RawPeer(near, false);
    far.unread(PREFACE.subarray(0, 10));
    serveHttp2(far, {}, (exchange) => answerOk(new RecordedRequest(exchange)));
    client.send(PREFACE.subarray(10));
    client.settings([]);
    client.get(1);
    await client.line("data 1 2 end");
  });

  test("without an authority keep their host", async () => {
    const { client, requests } = startServer(answerOk);
    client.start();
    client.headers(1, [":method: GET", ":scheme: http", ":path: /", "host: h"]);
    await client.line("headers 1");
    expect(requests[0]?.exchange.head.host?.text).toBe("h");
    expect(requests[0]?.exchange.head.authority).toBe(null);
  });

  test("of one client go on while another stream is malformed", async () => {
    const { client } = startServer(answerOk);
    client.start();
    client.get(1, ["Upper: x"]);
    client.get(3);
    await client.line("data 3 2 end");
    expect(client.lines).toContain("rstStream 1 1");
  });
});

test("te: trailers is allowed", async () => {
  const { client } = startServer(answerOk);
  client.start();
  client.get(1, ["te: trailers"]);
  await client.line("data 1 2 end");
});

test("CONNECT is sent back to HTTP/1.1", async () => {
  const { client } = startServer();
  client.start();
  client.headers(1, [":method: CONNECT", ":scheme: http", ":path: /"]);
  expect(await client.line("rstStream")).toBe(
    `rstStream 1 ${ErrorCode.http11Required}`,
  );
  client.headers(3, [":method: CONNECT", ":authority: a:443"]);
  expect(await client.line("rstStream 3")).toBe(
    `rstStream 3 ${ErrorCode.http11Required}`,
  );
});

test("a body other than its content-length is refused as soon as that is known", async () => {
  const { client, requests } = startServer();
  client.start();
  client.post(1, ["content-length: 5"]);
  client.body(1, 3, true);
  client.post(3, ["content-length: 5"]);
  client.body(3, 6, false);
  client.post(5, ["content-length: 5"]);
  client.body(5, 5, true);
  await client.line("rstStream 3 1");
  expect(client.lines).toContain("rstStream 1 1");
  expect(requests.map(({ reset }) => reset?.origin)).toEqual([
    "protocol",
    "protocol",
    undefined,
  ]);
  expect(requests[1]?.body).toBe("");
  expect(requests[2]?.ended).toBeTrue();
});

test("trailers must end the stream and have no pseudo-fields", async () => {
  const { client, requests } = startServer();
  client.start();
  client.post(1);
  client.headers(1, ["a: b"], Flag.endHeaders);
  client.post(3);
  client.headers(3, [":path: /"]);
  await client.line("rstStream 3 1");
  expect(client.lines).toContain("rstStream 1 1");
  expect(requests.map(({ reset }) => reset?.code)).toEqual([1, 1]);
});

test("a header list beyond the limit is answered with 431, whatever its encoded size", async () => {
  const { client, requests, violations } = startServer(answerOk, {
    maxHeaderListBytes: 1000,
  });
  client.start();
  client.get(1, ["a: " + "x".repeat(1000)]);
  expect(await client.line("headers 1")).toBe("headers 1 end | :status: 431");
  client.post(3, ["a: " + "x".repeat(1000)]);
  expect(await client.line("rstStream 3")).toBe("rstStream 3 0");
  client.get(5);
  await client.line("data 5 2 end");
  expect(requests.length).toBe(1);
  expect(violations).toEqual(["headerList", "headerList"]);
});

describe("serveHttp2() responses", () => {
  test("have informational heads, and trailers after the body", async () => {
    const { client, requests } = startServer();
    client.start();
    client.get(1);
    await turn();
    const exchange = requests[0]?.exchange;
    exchange?.respond(
      new ResponseHead("1.1", 103, [Field.of("link", "x")]),
      false,
    );
    requests[0]?.begin(200, [
      Field.of("connection", "close"),
      Field.of("transfer-encoding", "chunked"),
      Field.of("content-type", "t"),
    ]);
    requests[0]?.write("hello");
    exchange?.end([
      Field.of("grpc-status", "0"),
      Field.of("content-length", "5"),
    ]);
    await client.line("headers 1 end");
    expect(client.lines.filter((line) => / 1\b/.test(line))).toEqual([
      "headers 1 | :status: 103 | link: x",
      "headers 1 | :status: 200 | content-type: t",
      "data 1 5",
      "headers 1 end | grpc-status: 0",
    ]);
  });

  test("end in their last frame when nothing is sent in between", async () => {
    const { client } = startServer((request) => {
      request.begin(200);
      request.write("ab");
      request.write("cd");
      request.exchange.end([]);
    });
    client.start();
    client.get(1);
    expect(await client.line("data 1")).toBe("data 1 4 end");
  });

  test("to HEAD, and 204 and 304, end with their head", async () => {
    const { client } = startServer((request) => {
      const status = Number(request.exchange.head.path.text.slice(1));
      const length = Field.of("content-length", "10");
      request.exchange.respond(
        new ResponseHead("1.1", status, [length], 10),
        false,
      );
      request.write("0123456789");
      request.exchange.end([]);
    });
    client.start();
    const get = [":scheme: http", ":authority: a"];
    client.headers(1, [":method: HEAD", ":path: /200", ...get]);
    client.headers(3, [":method: GET", ":path: /204", ...get]);
    client.headers(5, [":method: GET", ":path: /304", ...get]);
    await client.line("headers 5");
    expect(client.lines.slice(-3)).toEqual([
      "headers 1 end | :status: 200 | content-length: 10",
      "headers 3 end | :status: 204 | content-length: 10",
      "headers 5 end | :status: 304 | content-length: 10",
    ]);
  });

  test("larger than a frame are split over CONTINUATION frames", async () => {
    const { client } = startServer((request) =>
      request.answer(200, "", [Field.of("big", "v".repeat(40_000))])
    );
    client.start();
    client.get(1);
    const line = await client.line("headers 1");
    expect(line.length).toBeGreaterThan(40_000);
  });

  test("are refused the upgrade", () => {
    const { client, requests } = startServer((request) => {
      expect(() => request.exchange.upgrade()).toThrow("Cannot upgrade");
      expect(() => request.begin(101)).toThrow("Cannot upgrade");
    });
    client.start();
    client.get(1);
    return turn().then(() => expect(requests.length).toBe(1));
  });

  test("that end before the request may be followed by a reset", async () => {
    const { client, requests } = startServer((request) => request.answer(413));
    client.start();
    client.post(1);
    await client.line("headers 1 end");
    client.body(1, 3, false);
    await turn();
    expect(requests[0]?.body).toBe("aaa");
    requests[0]?.exchange.reset({
      code: ErrorCode.noError,
      origin: "local",
      message: "enough",
    });
    expect(await client.line("rstStream")).toBe("rstStream 1 0");
    // What was under way is ignored.
    client.body(1, 3, true);
    client.get(3);
    await client.line("headers 3");
    expect(requests[0]?.reset).toBe(null);
  });
});

test("a reset travels both ways with its code, and after it nothing happens", async () => {
  const { client, requests } = startServer((request) => request.begin(200));
  client.start();
  client.post(1);
  client.get(3);
  client.reset(1, ErrorCode.cancel);
  await turn();
  expect(requests[0]?.reset).toMatchObject({ code: 8, origin: "peer" });
  requests[0]?.write("late");
  requests[0]?.exchange.end([]);
  requests[1]?.exchange.reset({ code: 2, origin: "io", message: "gone" });
  requests[1]?.exchange.reset({ code: 2, origin: "io", message: "gone" });
  expect(await client.line("rstStream")).toBe("rstStream 3 2");
  await turn();
  expect(client.lines.filter((line) => line.startsWith("rstStream")).length)
    .toBe(1);
  expect(client.received(1)).toBe(0);
});

test("other bytes than the preface end the connection", async () => {
  const { client } = startServer();
  client.send(new TextEncoder().encode("GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
  expect(await client.line("goaway")).toBe("goaway 0 1");
});

test("a client that leaves resets its requests", async () => {
  const { client, requests, near } = startServer();
  client.start();
  client.post(1);
  await turn();
  near.end();
  await client.end();
  expect(requests[0]?.reset?.origin).toBe("io");
});

describe("serveHttp2() drain", () => {
  test("says so twice, serves what was under way, then closes", async () => {
    const { client, requests, server } = startServer();
    client.start();
    client.get(1);
    await turn();
    server.drain();
    expect(await client.line("goaway")).toBe("goaway 2147483647 0");
    client.get(3);
    client.ping(Flag.ack, "draining");
    await client.line("goaway 3 0");
    client.get(5);
    await turn();
    expect(requests.length).toBe(2);
    expect(client.over).toBeFalse();
    for (const request of requests) request.answer(200, "ok");
    await client.end();
    expect(client.received(1) + client.received(3)).toBe(4);
  });

  test("closes an idle connection a round trip later", async () => {
    const { client, server } = startServer();
    client.start();
    server.drain();
    await client.line("goaway 2147483647 0");
    client.ping(Flag.ack, "draining");
    await client.end();
  });

  test("is what closeAfter asks for", async () => {
    const { client } = startServer((request) => {
      request.exchange.closeAfter();
      request.answer(200, "ok");
    });
    client.start();
    client.get(1);
    await client.line("goaway 2147483647 0");
    client.ping(Flag.ack, "draining");
    await client.end();
    expect(client.received(1)).toBe(2);
  });
});
