import { describe, expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import { ResponseHead } from "../http/message.ts";
import {
  answerAfterEnd,
  GET,
  neverAnswer,
  OK,
  startServer,
} from "../testing/http1.ts";
import { turn } from "../testing/recorder.ts";

describe("serveHttp1() requests", () => {
  test("hands out the head without hop-by-hop fields", async () => {
    const { client, requests } = startServer();
    client.send(
      "GET /a?b=c HTTP/1.1\r\nHOST: svc:80\r\nAccept:\t*/* \r\n" +
        "Connection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nTE: gzip\r\n\r\n",
    );
    await client.until(() => client.text === OK);
    expect(requests[0]?.head).toEqual([
      "GET /a?b=c 1.1",
      "host: svc:80",
      "accept: */*",
    ]);
    expect(requests[0]?.ended).toBeTrue();
    expect(requests[0]?.exchange.head.contentLength).toBe(-1);
  });

  test("repeated fields are the same object, unique ones are not lost", async () => {
    const { client, requests } = startServer();
    for (let round = 0; round < 4; round++) {
      client.send(
        `GET /${round} HTTP/1.1\r\nHost: a\r\nX-Id: ${round}\r\n\r\n`,
      );
      await client.until(() => client.take() === OK);
    }
    const [, second, third, fourth] = requests.map(({ exchange }) =>
      exchange.head
    );
    expect(fourth?.host).toBe(third?.host as Field);
    expect(requests.map(({ head }) => head[2])).toEqual([
      "x-id: 0",
      "x-id: 1",
      "x-id: 2",
      "x-id: 3",
    ]);
    expect(second?.path.text).toBe("/1");
  });

  const MESSAGES = {
    "no body": [GET, "GET / 1.1", ""],
    "an empty line before it": [`\r\n${GET}`, "GET / 1.1", ""],
    "content-length": [
      "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
      "POST /p 1.1",
      "hello",
    ],
    "chunked with extension and trailers": [
      "PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n" +
      "3;x=y\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 9\r\nContent-Length: 4\r\nHost: evil\r\n\r\n",
      "PUT /c 1.1",
      "abc0123456789",
    ],
  } as const;

  test.each(Object.keys(MESSAGES) as (keyof typeof MESSAGES)[])(
    "with %s is the same at every split position",
    async (name) => {
      const [text, line, body] = MESSAGES[name];
      for (let cut = 1; cut < text.length; cut++) {
        const { client, requests } = startServer(answerAfterEnd);
        client.send(text.slice(0, cut));
        await turn();
        client.send(text.slice(cut) + GET);
        await client.until(() => requests.length === 2);
        expect(requests[0]?.head[0]).toBe(line);
        expect(requests[0]?.body).toBe(body);
        expect(requests[0]?.ended).toBeTrue();
        expect(requests[0]?.trailers).toEqual(
          name.startsWith("chunked") ? ["x-sum: 9"] : [],
        );
      }
    },
  );

  test("byte by byte works too", async () => {
    const { client, requests } = startServer(answerAfterEnd, { chunkBytes: 1 });
    for (const [text] of Object.values(MESSAGES)) client.send(text);
    await client.until(() => client.text.length === 4 * OK.length);
    expect(requests.map(({ body }) => body)).toEqual([
      "",
      "",
      "hello",
      "abc0123456789",
    ]);
  });

  test.each([
    ["GET http://a.b:81/x?y HTTP/1.1", ["http", "a.b:81", "/x?y"]],
    ["GET HTTPS://a HTTP/1.1", ["https", "a", "/"]],
    ["GET http://a?q HTTP/1.1", ["http", "a", "/?q"]],
    ["OPTIONS http://a HTTP/1.1", ["http", "a", "*"]],
    ["OPTIONS * HTTP/1.1", [undefined, undefined, "*"]],
    ["CONNECT a.b:443 HTTP/1.1", [undefined, undefined, "a.b:443"]],
    ["CONNECT [::1]:443 HTTP/1.1", [undefined, undefined, "[::1]:443"]],
  ])("%s is taken apart", async (line, expected) => {
    const { client, requests } = startServer(neverAnswer);
    client.send(`${line}\r\nHost: other\r\n\r\n`);
    await client.until(() => requests.length === 1);
    const head = requests[0]?.exchange.head;
    expect([head?.scheme?.text, head?.authority?.text, head?.path.text])
      .toEqual(expected);
    expect(head?.absolute).toBe(expected[0] !== undefined);
    expect(head?.host?.text).toBe("other");
    expect(head?.upgrade).toBe(line.startsWith("CONNECT"));
  });

  test("an upgrade to h2c is no upgrade, another one is", async () => {
    const { client, requests } = startServer(neverAnswer);
    client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
    );
    await client.until(() => requests.length === 1);
    expect(requests[0]?.head).toEqual(["GET / 1.1", "host: a"]);
    expect(requests[0]?.exchange.head.upgrade).toBeFalse();

    const other = startServer(neverAnswer);
    other.client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    await other.client.until(() => other.requests.length === 1);
    expect(other.requests[0]?.exchange.head.upgrade).toBeTrue();
    expect(other.requests[0]?.head).toContain("upgrade: websocket");
  });
});

describe("serveHttp1() pipelining and keep-alive", () => {
  test("answers in order, one at a time, with the channel paused", async () => {
    const { client, requests, near } = startServer(neverAnswer, {
      highWaterBytes: 100,
    });
    for (let n = 0; n < 3; n++) client.send(GET.replace("/", `/${n}`));
    await client.until(() => requests.length === 1);
    await turn();
    client.send(GET.repeat(100));
    await turn();
    expect(requests.length).toBe(1);
    expect(near.congested).toBeTrue();
    for (let n = 0; n < 3; n++) {
      expect(requests[n]?.head[0]).toBe(`GET /${n} 1.1`);
      requests[n]?.answer(200, `${n}`);
    }
    await client.until(() => client.text.split("HTTP").length === 4);
    await client.until(() => requests.length === 4);
    expect(client.text.match(/\n\d/g)).toEqual(["\n0", "\n1", "\n2"]);
  });

  test("a client that pipelines and does not read stops being served", async () => {
    const { client, requests, near } = startServer(
      (request) => request.answer(200, "x".repeat(10_000)),
      { highWaterBytes: 50_000 },
    );
    near.pause();
    client.send(GET.repeat(1000));
    await turn();
    await turn();
    expect(requests.length).toBeLessThan(100);
    near.resume();
    await client.until(() => requests.length === 1000);
  });

  test("connection: close ends the connection after the answer", async () => {
    const { client } = startServer();
    client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + GET,
    );
    await client.until(() => client.ended);
    expect(client.text).toBe(
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
    );
  });

  test("closeAfter() announces and does it", async () => {
    const { client } = startServer((request) => {
      request.exchange.closeAfter();
      request.answer(200, "ok");
    });
    client.send(GET);
    await client.until(() => client.ended);
    expect(client.text).toContain("connection: close\r\n");
  });

  test("drain() closes an idle connection at once and a busy one later", async () => {
    const idle = startServer();
    idle.client.send(GET);
    await idle.client.until(() => idle.client.text === OK);
    idle.server.drain();
    await idle.client.until(() => idle.client.ended);

    const busy = startServer(neverAnswer);
    busy.client.send(GET);
    await busy.client.until(() => busy.requests.length === 1);
    busy.server.drain();
    await turn();
    expect(busy.client.ended).toBeFalse();
    busy.requests[0]?.answer(200, "ok");
    await busy.client.until(() => busy.client.ended);
    expect(busy.client.text).toContain("connection: close\r\n");
  });

  test("both sides end cleanly once the client closes an idle connection", async () => {
    const { client, near, far } = startServer();
    client.send(GET);
    await client.until(() => client.text === OK);
    near.end();
    await client.until(() => client.closed);
    expect([near.closed, far.closed, client.error]).toEqual([true, true, null]);
  });
});

describe("serveHttp1() with HTTP/1.0", () => {
  test("closes after the answer, and keeps the version", async () => {
    const { client, requests } = startServer();
    client.send("GET / HTTP/1.0\r\n\r\n");
    await client.until(() => client.ended);
    expect(client.text).toBe(
      "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
    );
    expect(requests[0]?.exchange.head.host).toBeNull();
  });

  test("keeps the connection only if asked", async () => {
    const { client } = startServer();
    client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    await client.until(() => client.text.endsWith("ok"));
    expect(client.take()).toContain("connection: keep-alive\r\n");
    client.send("GET / HTTP/1.0\r\n\r\n");
    await client.until(() => client.ended);
  });

  test("gets a body of unknown length up to the close, never chunked or 1xx", async () => {
    const { client } = startServer((request) => {
      request.exchange.respond(new ResponseHead("1.1", 103, []), true);
      request.begin(200);
      request.write("abc");
      request.exchange.end([Field.of("x-sum", "1")]);
    });
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    await client.until(() => client.ended);
    expect(client.text).toBe(
      "HTTP/1.0 200 OK\r\nconnection: close\r\n\r\nabc",
    );
  });
});
