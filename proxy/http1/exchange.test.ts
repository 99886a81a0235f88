import { describe, expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import { ResponseHead } from "../http/message.ts";
import { GET, neverAnswer, OK, startServer } from "../testing/http1.ts";
import type { Page } from "../testing/http1.ts";
import { Recorder, turn } from "../testing/recorder.ts";

describe("serveHttp1() responses", () => {
  const respond = async (page: Page, request = GET): Promise<string> => {
    const { client } = startServer(page);
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
    const { client } = startServer();
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
      request.exchange.respond(new ResponseHead("2", 404, []), true)
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
      request.exchange.respond(head, true);
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
    const { client, requests } = startServer(neverAnswer);
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
    const { client } = startServer((request) => {
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
    const { client, requests } = startServer();
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
    const { client, requests } = startServer();
    client.send(`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`);
    await client.until(() => client.ended);
    client.send(GET);
    await turn();
    expect(client.text).toBe(OK);
    expect(requests.length).toBe(1);
  });

  test("an endless chunked rest closes the connection", async () => {
    const { client } = startServer();
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
    const { client, requests } = startServer(neverAnswer);
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
    const { client, requests } = startServer(neverAnswer);
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
    const { client } = startServer((request) => request.answer(403));
    client.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n" + GET);
    await client.until(() => client.text.split("403").length === 3);
  });
});

describe("serveHttp1() back-pressure and loss", () => {
  const CHUNKED =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

  test("a page that wants no more body slows the client down", async () => {
    const { client, requests, near } = startServer(
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
    const { client, requests, near } = startServer(
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
      const { client, requests, near } = startServer(neverAnswer);
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
    const { client } = startServer((request) => {
      request.begin(200);
      request.exchange.reset({ code: 2, origin: "local", message: "" });
    });
    client.send(GET);
    await client.until(() => client.closed);
  });
});
