import { describe, expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import { ResponseHead } from "../http/message.ts";
import {
  createMemoryChannels,
  type MemoryOptions,
} from "../testing/memory-channel.ts";
import { RecordedRequest } from "../testing/recorded-exchange.ts";
import { Recorder, turn } from "../testing/recorder.ts";
import { type Http1ServerOptions, serveHttp1 } from "./server.ts";

type Page = (request: RecordedRequest) => void;

const ANSWER_OK: Page = (request) => request.answer(200, "ok");
const ANSWER_AFTER_END: Page = (request) =>
  request.afterEnd(() => request.answer(200, "ok"));
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const ENDED = { ended: true };

/** A server on a memory channel, and the client's end of it played by hand. */
function start(
  page: Page = ANSWER_OK,
  options: MemoryOptions & Http1ServerOptions = {},
) {
  const [near, far] = createMemoryChannels(options);
  const requests: RecordedRequest[] = [];
  const client = new Recorder(near);
  const server = serveHttp1(far, options, (exchange) => {
    const request = new RecordedRequest(exchange);
    requests.push(request);
    page(request);
  });
  return { client, requests, server, near, far };
}

const never: Page = () => {};

describe("serveHttp1() requests", () => {
  test("hands out the head without hop-by-hop fields", async () => {
    const { client, requests } = start();
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
    const { client, requests } = start();
    for (let round = 0; round < 3; round++) {
      client.send(
        `GET /${round} HTTP/1.1\r\nHost: a\r\nX-Id: ${round}\r\n\r\n`,
      );
      await client.until(() => client.take() === OK);
    }
    const [first, second, third] = requests.map(({ exchange }) =>
      exchange.head
    );
    expect(first?.host).toBe(third?.host as Field);
    expect(requests.map(({ head }) => head[2])).toEqual([
      "x-id: 0",
      "x-id: 1",
      "x-id: 2",
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
        const { client, requests } = start(ANSWER_AFTER_END);
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
    const { client, requests } = start(ANSWER_AFTER_END, { chunkBytes: 1 });
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
    const { client, requests } = start(never);
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
    const { client, requests } = start(never);
    client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
    );
    await client.until(() => requests.length === 1);
    expect(requests[0]?.head).toEqual(["GET / 1.1", "host: a"]);
    expect(requests[0]?.exchange.head.upgrade).toBeFalse();

    const other = start(never);
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
    const { client, requests, near } = start(never, { highWaterBytes: 100 });
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
    const { client, requests, near } = start(
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
    const { client } = start();
    client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + GET,
    );
    await client.until(() => client.ended);
    expect(client.text).toBe(
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
    );
  });

  test("closeAfter() announces and does it", async () => {
    const { client } = start((request) => {
      request.exchange.closeAfter();
      request.answer(200, "ok");
    });
    client.send(GET);
    await client.until(() => client.ended);
    expect(client.text).toContain("connection: close\r\n");
  });

  test("drain() closes an idle connection at once and a busy one later", async () => {
    const idle = start();
    idle.client.send(GET);
    await idle.client.until(() => idle.client.text === OK);
    idle.server.drain();
    await idle.client.until(() => idle.client.ended);

    const busy = start(never);
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
    const { client, near, far } = start();
    client.send(GET);
    await client.until(() => client.text === OK);
    near.end();
    await client.until(() => client.closed);
    expect([near.closed, far.closed, client.error]).toEqual([true, true, null]);
  });
});

describe("serveHttp1() with HTTP/1.0", () => {
  test("closes after the answer, and keeps the version", async () => {
    const { client, requests } = start();
    client.send("GET / HTTP/1.0\r\n\r\n");
    await client.until(() => client.ended);
    expect(client.text).toBe(
      "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
    );
    expect(requests[0]?.exchange.head.host).toBeNull();
  });

  test("keeps the connection only if asked", async () => {
    const { client } = start();
    client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    await client.until(() => client.text.endsWith("ok"));
    expect(client.take()).toContain("connection: keep-alive\r\n");
    client.send("GET / HTTP/1.0\r\n\r\n");
    await client.until(() => client.ended);
  });

  test("gets a body of unknown length up to the close, never chunked or 1xx", async () => {
    const { client } = start((request) => {
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

describe("serveHttp1() responses", () => {
  const respond = async (page: Page, request = GET): Promise<string> => {
    const { client } = start(page);
    client.send(request);
    await client.until(() => client.text !== "");
    await turn();
    return client.text;
  };

  test("unknown length is sent in chunks, with trailers that may be", async () => {
    const text = await respond((request) => {
      request.begin(200, [Field.of("trailer", "x-sum")]);
      request.write("hello");
      request.write("");
      request.write("x".repeat(26));
      request.exchange.end([
        Field.of("x-sum", "1"),
        Field.of("content-length", "5"),
      ]);
    });
    expect(text).toBe(
      "HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n" +
        `5\r\nhello\r\n1a\r\n${"x".repeat(26)}\r\n0\r\nx-sum: 1\r\n\r\n`,
    );
  });

  test("head and first body piece leave together", async () => {
    const chunks: string[] = [];
    const { client } = start();
    const { data } = client;
    client.data = (chunk) => {
      chunks.push(new TextDecoder().decode(chunk));
      data.call(client, chunk);
    };
    client.send(GET);
    await client.until(() => chunks.length > 0);
    expect(chunks).toEqual([OK]);
  });

  test("a head that ends the response says content-length: 0", async () => {
    const text = await respond((request) =>
      request.exchange.respond(new ResponseHead("2", 404, []), ENDED.ended)
    );
    expect(text).toBe("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
  });

  test.each([
    ["HEAD", 200, 5, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"],
    ["HEAD", 200, -1, "HTTP/1.1 200 OK\r\n\r\n"],
    ["GET", 204, 5, "HTTP/1.1 204 No Content\r\n\r\n"],
    ["GET", 304, 5, "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"],
    ["GET", 304, -1, "HTTP/1.1 304 Not Modified\r\n\r\n"],
    ["GET", 299, 0, "HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n"],
  ])("%s answered %d with length %d", async (method, status, length, text) => {
    const page: Page = (request) => {
      const head = new ResponseHead("1.1", status, [], length);
      request.exchange.respond(head, ENDED.ended);
    };
    const request = GET.replace("GET", method);
    expect(await respond(page, request + request)).toBe(text + text);
  });

  test("a body handed out for HEAD is dropped", async () => {
    const text = await respond((request) => {
      const head = new ResponseHead("1.1", 200, [], 5);
      request.exchange.respond(head, false);
      request.write("hello");
      request.exchange.end([]);
    }, GET.replace("GET", "HEAD"));
    expect(text).toBe("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
  });

  test("Expect passes and 100 Continue comes before the answer", async () => {
    const { client, requests } = start(never);
    client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
    );
    await client.until(() => requests.length === 1);
    expect(requests[0]?.head).toContain("expect: 100-continue");
    requests[0]?.exchange.respond(new ResponseHead("1.1", 100, []), true);
    await client.until(() => client.text !== "");
    expect(client.take()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");
    await client.until(() => requests[0]?.ended === true);
    requests[0]?.answer(200, "ok");
    await client.until(() => client.text === OK);
  });

  test.each([
    ["longer", "toolong"],
    ["shorter", "s"],
  ])("a body %s than declared breaks the connection", async (_, body) => {
    const { client } = start((request) => {
      const head = new ResponseHead("1.1", 200, [], 3);
      request.exchange.respond(head, false);
      request.write(body);
      request.exchange.end([]);
    });
    client.send(GET);
    await client.until(() => client.closed);
    expect(client.error).not.toBeNull();
  });

  test("hop-by-hop and framing fields of a page are not sent", async () => {
    const fields = [
      Field.of("connection", "x"),
      Field.of("transfer-encoding", "gzip"),
      Field.of("content-length", "9"),
      Field.of("x-a", "1"),
    ];
    expect(await respond((request) => request.answer(200, "ok", fields))).toBe(
      OK.replace("OK\r\n", "OK\r\nx-a: 1\r\n"),
    );
  });
});

describe("serveHttp1() early answers", () => {
  test("a short rest of the request is read and the connection used again", async () => {
    const { client, requests } = start();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    await client.until(() => client.take() === OK);
    client.send("defghi" + GET);
    await client.until(() => client.text === OK);
    expect(requests.length).toBe(2);
    expect(requests[0]?.body).toBe("");
  });

  test.each([
    ["long", "Content-Length: 99999999"],
    ["uncertain", "Content-Length: 5\r\nExpect: 100-continue"],
  ])("a %s rest closes the connection", async (_, fields) => {
    const { client, requests } = start();
    client.send(`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`);
    await client.until(() => client.ended);
    client.send(GET);
    await turn();
    expect(client.text).toBe(OK);
    expect(requests.length).toBe(1);
  });

  test("an endless chunked rest closes the connection", async () => {
    const { client } = start();
    client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    const chunk = `2000\r\n${"x".repeat(0x2000)}\r\n`;
    for (let n = 0; n < 10; n++) {
      client.send(chunk);
      await turn();
    }
    await client.until(() => client.ended);
    expect(client.text).toBe(OK);
  });
});

describe("serveHttp1() tunnels", () => {
  test("101 gives the connection away, early bytes included", async () => {
    const { client, requests } = start(never);
    client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly",
    );
    await client.until(() => requests.length === 1);
    const exchange = requests[0]?.exchange;
    exchange?.respond(
      new ResponseHead("1.1", 101, [
        Field.of("connection", "upgrade"),
        Field.of("upgrade", "echo"),
      ]),
      true,
    );
    const tunnel = new Recorder(exchange?.upgrade() ?? client.channel);
    expect(tunnel.text).toBe("early");
    client.send(" late");
    await tunnel.until(() => tunnel.text === "early late");
    tunnel.send("back");
    await client.until(() => client.text.endsWith("back"));
    expect(client.text).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nback",
    );
  });

  test("2xx to CONNECT loses its length", async () => {
    const { client, requests } = start(never);
    client.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
    await client.until(() => requests.length === 1);
    const exchange = requests[0]?.exchange;
    exchange?.respond(
      new ResponseHead("1.1", 200, [Field.of("content-length", "3")], 3),
      true,
    );
    const tunnel = new Recorder(exchange?.upgrade() ?? client.channel);
    client.send("raw");
    await tunnel.until(() => tunnel.text === "raw");
    expect(client.text).toBe("HTTP/1.1 200 OK\r\n\r\n");
  });

  test("an answer other than 2xx to CONNECT is an ordinary one", async () => {
    const { client } = start((request) => request.answer(403));
    client.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n" + GET);
    await client.until(() => client.text.split("403").length === 3);
  });
});

describe("serveHttp1() back-pressure and loss", () => {
  const CHUNKED =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

  test("a page that wants no more body slows the client down", async () => {
    const { client, requests, near } = start(
      (request) => request.accepting = false,
      { highWaterBytes: 1000 },
    );
    client.send(`${CHUNKED}3\r\nabc\r\n`);
    await client.until(() => requests[0]?.body === "abc");
    client.send(`7d0\r\n${"x".repeat(2000)}\r\n`);
    await turn();
    expect(requests[0]?.body).toBe("abc");
    expect(near.congested).toBeTrue();
    requests[0]?.exchange.resumeRequest();
    await client.until(() => client.drains === 1);
    expect(requests[0]?.body.length).toBe(2003);
  });

  test("a client that does not read slows the page down", async () => {
    const { client, requests, near } = start(
      (request) => request.begin(200),
      { highWaterBytes: 1000 },
    );
    client.send(GET);
    await client.until(() => requests.length === 1);
    near.pause();
    expect(requests[0]?.write("x".repeat(2000))).toBeFalse();
    await turn();
    expect(requests[0]?.drains).toBe(0);
    near.resume();
    await client.until(() => client.text.length > 2000);
    expect(requests[0]?.drains).toBe(1);
  });

  test.each([
    ["in its request", CHUNKED],
    ["while it waits", GET],
  ])("a client that ends or breaks %s resets the request", async (_, text) => {
    for (const leave of ["end", "destroy"] as const) {
      const { client, requests, near } = start(never);
      client.send(text);
      await client.until(() => requests.length === 1);
      near[leave]();
      await client.until(() => client.closed);
      await turn();
      expect(requests[0]?.reset?.origin).toBe("io");
      requests[0]?.answer(200, "too late");
      expect(client.text).toBe("");
    }
  });

  test("reset() by the page breaks the connection", async () => {
    const { client } = start((request) => {
      request.begin(200);
      request.exchange.reset({ code: 2, origin: "local", message: "" });
    });
    client.send(GET);
    await client.until(() => client.closed);
  });
});
