import { describe, expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import type { RequestHead } from "../http/message.ts";
import {
  bytesOf,
  requestHead,
  send,
  sendWithBody,
  startClient,
  upgradeHead,
} from "../testing/http1.ts";
import { RecordedResponse } from "../testing/recorded-exchange.ts";

describe("connectHttp1() requests", () => {
  const written = async (
    head: RequestHead,
    body?: readonly string[],
    trailers: readonly Field[] = [],
  ): Promise<string> => {
    const { connection, server } = startClient();
    const response = new RecordedResponse();
    const stream = connection.request(head, body === undefined, response);
    for (const piece of body ?? []) stream.data(bytesOf(piece));
    if (body !== undefined) stream.end(trailers);
    await server.until(() => server.text !== "");
    return server.text;
  };

  test("host comes first, then the fields, no framing without a body", async () => {
    expect(
      await written(requestHead("GET", "/a?b", { accept: "x", host: "h:1" })),
    )
      .toBe("GET /a?b HTTP/1.1\r\nhost: h:1\r\naccept: x\r\n\r\n");
  });

  test("content-length: 0 is kept", async () => {
    const head = requestHead("POST", "/", { host: "h" });
    head.contentLength = 0;
    expect(await written(head)).toEndWith("content-length: 0\r\n\r\n");
  });

  test("a body of declared length goes as it is", async () => {
    const head = requestHead("POST", "/", {
      "host": "h",
      "content-length": "5",
    });
    head.contentLength = 5;
    expect(await written(head, ["he", "", "llo"])).toBe(
      "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello",
    );
  });

  test("a body of unknown length goes in chunks, with trailers", async () => {
    const head = requestHead("POST", "/", { host: "h" });
    const trailers = [Field.of("x-sum", "1"), Field.of("host", "evil")];
    expect(await written(head, ["he", "", "llo"], trailers)).toBe(
      "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n" +
        "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-sum: 1\r\n\r\n",
    );
  });

  test("an absolute-form target stays one, and host may differ", async () => {
    const head = requestHead("GET", "/x", { host: "other", authority: "a:1" });
    head.scheme = Field.of(":scheme", "https");
    head.absolute = true;
    expect(await written(head)).toBe(
      "GET https://a:1/x HTTP/1.1\r\nhost: other\r\n\r\n",
    );
    const options = requestHead("OPTIONS", "*", { host: "a", authority: "a" });
    options.scheme = Field.of(":scheme", "http");
    options.absolute = true;
    expect(await written(options)).toStartWith("OPTIONS http://a HTTP/1.1\r\n");
  });

  test("a head from HTTP/2 gets its host from the authority and one cookie line", async () => {
    const head = requestHead("GET", "/", {
      authority: "real",
      host: "other",
      te: "trailers",
      connection: "x",
    }, "2");
    head.fields = [
      ...head.fields,
      Field.of("cookie", "a=1"),
      Field.of("cookie", "b=2"),
    ];
    expect(await written(head)).toBe(
      "GET / HTTP/1.1\r\nhost: real\r\ncookie: a=1; b=2\r\nte: trailers\r\n\r\n",
    );
    expect(await written(requestHead("CONNECT", "", { authority: "a:1" }, "2")))
      .toBe("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n");
    expect(await written(requestHead("GET", "/", {}, "2")))
      .toBe("GET / HTTP/1.1\r\nhost: \r\n\r\n");
  });

  test("HTTP/1.0 stays HTTP/1.0 and is sent on a connection of its own", async () => {
    const { connection, server, events } = startClient();
    const [response] = send(connection, requestHead("GET", "/", {}, "1.0"));
    await server.until(() => server.text === "GET / HTTP/1.0\r\n\r\n");
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    await server.until(() => server.ended);
    expect(response.body).toBe("ok");
    expect(events).toEqual(["retiring", "closed"]);
  });

  test("an upgrade keeps its connection fields", async () => {
    expect(await written(upgradeHead())).toBe(
      "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
    );
  });

  test.each([["longer", "toolong"], ["shorter", "s"]])(
    "a body %s than declared breaks the connection, not the framing",
    async (_, body) => {
      const { connection, server, events } = startClient();
      const head = requestHead("POST", "/", { host: "a" });
      head.contentLength = 3;
      const [response, stream] = sendWithBody(connection, head);
      stream.data(bytesOf(body));
      stream.end([]);
      await server.until(() => server.closed);
      expect(response.reset?.origin).toBe("local");
      expect(events).toEqual(["closed"]);
    },
  );

  test("a field cannot smuggle a line break", () => {
    expect(Field.of("x-a", "a\r\nb: c\0d").text).toBe("a  b: c d");
  });
});
