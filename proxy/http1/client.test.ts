import { describe, expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import {
  AUTHORITY,
  type ClientConnection,
  type ClientStream,
  HOST,
  METHOD,
  PATH,
  RequestHead,
  type Version,
} from "../http/message.ts";
import {
  createMemoryChannels,
  type MemoryOptions,
} from "../testing/memory-channel.ts";
import { RecordedResponse } from "../testing/recorded-exchange.ts";
import { Recorder, turn } from "../testing/recorder.ts";
import { connectHttp1 } from "./client.ts";
import { MAX_HEAD_BYTES, MAX_INFORMATIONAL } from "./limits.ts";

const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text);

/** A client on a memory channel, and the server's end of it played by hand. */
function start(options: MemoryOptions = {}) {
  const [near, far] = createMemoryChannels(options);
  const events: string[] = [];
  const connection = connectHttp1(near, {
    ready: () => events.push("ready"),
    retiring: () => events.push("retiring"),
    closed: () => events.push("closed"),
  });
  return { connection, events, server: new Recorder(far), near, far };
}

function headOf(
  method: string,
  path: string,
  fields: Record<string, string> = {},
  version: Version = "1.1",
): RequestHead {
  const { host, authority, ...rest } = fields;
  const head = new RequestHead(
    version,
    new Field(METHOD, bytes(method)),
    new Field(PATH, bytes(path)),
    Object.entries(rest).map(([name, value]) => Field.of(name, value)),
  );
  if (host !== undefined) head.host = new Field(HOST, bytes(host));
  if (authority !== undefined) {
    head.authority = new Field(AUTHORITY, bytes(authority));
  }
  return head;
}

const GET = () => headOf("GET", "/", { host: "a" });

function upgradeHead(): RequestHead {
  const head = headOf("GET", "/", {
    host: "a",
    connection: "upgrade",
    upgrade: "echo",
  });
  head.upgrade = true;
  return head;
}

function send(
  connection: ClientConnection,
  head: RequestHead = GET(),
): [RecordedResponse, ClientStream] {
  const response = new RecordedResponse();
  return [response, connection.request(head, true, response)];
}

function sendWithBody(
  connection: ClientConnection,
  head: RequestHead,
): [RecordedResponse, ClientStream] {
  const response = new RecordedResponse();
  return [response, connection.request(head, false, response)];
}

describe("connectHttp1() requests", () => {
  const written = async (
    head: RequestHead,
    body?: readonly string[],
    trailers: readonly Field[] = [],
  ): Promise<string> => {
    const { connection, server } = start();
    const response = new RecordedResponse();
    const stream = connection.request(head, body === undefined, response);
    for (const piece of body ?? []) stream.data(bytes(piece));
    if (body !== undefined) stream.end(trailers);
    await server.until(() => server.text !== "");
    return server.text;
  };

  test("host comes first, then the fields, no framing without a body", async () => {
    expect(await written(headOf("GET", "/a?b", { accept: "x", host: "h:1" })))
      .toBe("GET /a?b HTTP/1.1\r\nhost: h:1\r\naccept: x\r\n\r\n");
  });

  test("content-length: 0 is kept", async () => {
    const head = headOf("POST", "/", { host: "h" });
    head.contentLength = 0;
    expect(await written(head)).toEndWith("content-length: 0\r\n\r\n");
  });

  test("a body of declared length goes as it is", async () => {
    const head = headOf("POST", "/", { "host": "h", "content-length": "5" });
    head.contentLength = 5;
    expect(await written(head, ["he", "", "llo"])).toBe(
      "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello",
    );
  });

  test("a body of unknown length goes in chunks, with trailers", async () => {
    const head = headOf("POST", "/", { host: "h" });
    const trailers = [Field.of("x-sum", "1"), Field.of("host", "evil")];
    expect(await written(head, ["he", "", "llo"], trailers)).toBe(
      "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n" +
        "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-sum: 1\r\n\r\n",
    );
  });

  test("an absolute-form target stays one, and host may differ", async () => {
    const head = headOf("GET", "/x", { host: "other", authority: "a:1" });
    head.scheme = Field.of(":scheme", "https");
    head.absolute = true;
    expect(await written(head)).toBe(
      "GET https://a:1/x HTTP/1.1\r\nhost: other\r\n\r\n",
    );
    const options = headOf("OPTIONS", "*", { host: "a", authority: "a" });
    options.scheme = Field.of(":scheme", "http");
    options.absolute = true;
    expect(await written(options)).toStartWith("OPTIONS http://a HTTP/1.1\r\n");
  });

  test("a head from HTTP/2 gets its host from the authority and one cookie line", async () => {
    const head = headOf("GET", "/", {
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
    expect(await written(headOf("CONNECT", "", { authority: "a:1" }, "2")))
      .toBe("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n");
    expect(await written(headOf("GET", "/", {}, "2")))
      .toBe("GET / HTTP/1.1\r\nhost: \r\n\r\n");
  });

  test("HTTP/1.0 stays HTTP/1.0 and is sent on a connection of its own", async () => {
    const { connection, server, events } = start();
    const [response] = send(connection, headOf("GET", "/", {}, "1.0"));
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
      const { connection, server, events } = start();
      const head = headOf("POST", "/", { host: "a" });
      head.contentLength = 3;
      const [response, stream] = sendWithBody(connection, head);
      stream.data(bytes(body));
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

describe("connectHttp1() responses", () => {
  const RESPONSES: Record<string, readonly [string, string, string[]]> = {
    "content-length": [
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "hello",
      ["content-length: 5"],
    ],
    "chunks and trailers": [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n5;x\r\nhello\r\n0\r\nX-Sum: 1\r\nConnection: close\r\n\r\n",
      "hello",
      ["x-a: 1"],
    ],
    "no reason and connection fields": [
      "HTTP/1.1 200\r\nConnection: X-A\r\nX-A: 1\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n",
      "",
      ["content-length: 0"],
    ],
    "204 with a length": [
      "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
      "",
      [],
    ],
    "304 with a length": [
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
      "",
      ["content-length: 5"],
    ],
    "1xx before it": [
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      "",
      ["content-length: 0"],
    ],
  };

  test.each(Object.keys(RESPONSES))(
    "with %s is the same at every split position, and the connection is used again",
    async (name) => {
      const [text, body, fields] = RESPONSES[name] ?? ["", "", []];
      for (let cut = 1; cut < text.length; cut++) {
        const { connection, server, events } = start();
        for (let round = 1; round <= 2; round++) {
          const [response] = send(connection);
          await server.until(() => server.take() !== "");
          expect([connection.ready, connection.active]).toEqual([false, 1]);
          server.send(text.slice(0, cut));
          await turn();
          server.send(text.slice(cut));
          await server.until(() => events.length === round);
          expect(response.body).toBe(body);
          expect(response.ended).toBeTrue();
          expect(response.fields).toEqual(fields);
          expect(response.informational).toEqual(
            name.startsWith("1xx") ? [100, 103] : [],
          );
          expect(response.trailers).toEqual(
            name.startsWith("chunks") ? ["x-sum: 1"] : [],
          );
          expect([connection.ready, connection.active]).toEqual([true, 0]);
        }
        expect(events).toEqual(["ready", "ready"]);
      }
    },
  );

  test("HEAD has a length and no body", async () => {
    const { connection, server, events } = start();
    const [response] = send(connection, headOf("HEAD", "/", { host: "a" }));
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    await server.until(() => events.includes("ready"));
    expect(response.ended).toBeTrue();
    expect(response.head?.contentLength).toBe(5);
  });

  test.each(["1.0", "1.1"])(
    "HTTP/%s without a length lasts until the close",
    async (version) => {
      const { connection, server, events } = start();
      const [response] = send(connection);
      server.send(`HTTP/${version} 200 OK\r\n\r\nhel`);
      await server.until(() => response.body === "hel");
      expect(events).toEqual(["retiring"]);
      server.send("lo");
      server.channel.end();
      await server.until(() => response.ended);
      expect(response.body).toBe("hello");
      await server.until(() => server.closed);
      expect(events).toEqual(["retiring", "closed"]);
    },
  );

  test("connection: close retires the connection", async () => {
    const { connection, server, events } = start();
    const [response] = send(connection);
    server.send(
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    );
    await server.until(() => server.ended);
    expect(response.ended).toBeTrue();
    expect(events).toEqual(["retiring", "closed"]);
    expect([connection.ready, connection.closed]).toEqual([false, true]);
    expect(() => send(connection)).toThrow("not ready");
  });

  test("HTTP/1.0 with keep-alive is used again", async () => {
    const { connection, server, events } = start();
    send(connection);
    server.send(
      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    );
    await server.until(() => events.includes("ready"));
  });

  test("a page that wants no more slows the server down", async () => {
    const { connection, server, far } = start({ highWaterBytes: 1000 });
    const [response, stream] = send(connection);
    response.accepting = false;
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 3003\r\n\r\nabc");
    await server.until(() => response.body === "abc");
    server.send("x".repeat(3000));
    await turn();
    expect(response.body).toBe("abc");
    expect(far.congested).toBeTrue();
    response.accepting = true;
    stream.resumeResponse();
    await server.until(() => response.ended);
    expect(response.body.length).toBe(3003);
  });

  test("a server that does not read slows the request body down", async () => {
    const { connection, server, far } = start({ highWaterBytes: 1000 });
    const head = headOf("POST", "/", { host: "a" });
    const [response, stream] = sendWithBody(connection, head);
    far.pause();
    expect(stream.data(bytes("x".repeat(2000)))).toBeFalse();
    await turn();
    expect(response.drains).toBe(0);
    far.resume();
    await server.until(() => response.drains === 1);
  });
});

describe("connectHttp1() early answers", () => {
  test("an answer before the end of the request closes the connection", async () => {
    const { connection, server, events } = start();
    const [response, stream] = sendWithBody(
      connection,
      headOf("POST", "/", { host: "a" }),
    );
    stream.data(bytes("abc"));
    server.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    await server.until(() => response.ended);
    expect([response.status, response.body]).toEqual([413, "no"]);
    await server.until(() => server.closed);
    expect(events).toEqual(["closed"]);
    expect(stream.data(bytes("late"))).toBeTrue();
    stream.end([]);
  });

  test("one that comes with the last declared byte does not", async () => {
    const { connection, server, events } = start();
    const head = headOf("POST", "/", { host: "a" });
    head.contentLength = 3;
    const [response, stream] = sendWithBody(connection, head);
    server.send("HTTP/1.1 200 OK\r\n");
    stream.data(bytes("abc"));
    server.send("Content-Length: 0\r\n\r\n");
    await server.until(() => events.includes("ready"));
    expect(response.ended).toBeTrue();
    stream.end([]);
    expect(connection.ready).toBeTrue();
  });
});

describe("connectHttp1() tunnels", () => {
  const SWITCH =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

  test("101 gives the connection away with the bytes behind it", async () => {
    for (const chunkBytes of [1, Infinity]) {
      const { connection, server, events } = start({ chunkBytes });
      const [response, stream] = send(connection, upgradeHead());
      server.send(SWITCH + "early");
      await server.until(() => response.status === 101);
      expect(response.fields).toEqual(["connection: upgrade", "upgrade: echo"]);
      await turn();
      server.send(" late");
      await turn();
      const tunnel = new Recorder(stream.upgrade());
      await tunnel.until(() => tunnel.text === "early late");
      tunnel.send("back");
      await server.until(() => server.text.endsWith("back"));
      expect(events).toEqual(["retiring", "closed"]);
    }
  });

  test("2xx to CONNECT has no length, whatever it says", async () => {
    const { connection, server } = start();
    const head = headOf("CONNECT", "a:1", { host: "a:1" });
    head.upgrade = true;
    const [response, stream] = send(connection, head);
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nraw bytes");
    await server.until(() => response.ended);
    expect(response.fields).toEqual([]);
    const tunnel = new Recorder(stream.upgrade());
    await tunnel.until(() => tunnel.text === "raw bytes");
  });

  test("another answer to an upgrade is an ordinary one", async () => {
    const { connection, server, events } = start();
    const [response] = send(connection, upgradeHead());
    server.send("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno");
    await server.until(() => events.includes("ready"));
    expect(response.body).toBe("no");
  });
});

/** What a hostile or broken server may answer. */
const HOSTILE: Record<string, string> = {
  "two lengths":
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",
  "the same length twice":
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
  "length and coding":
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
  "an unknown coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
  "a coding in HTTP/1.0":
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
  "a bad chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
  "a folded line": "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\n\r\n",
  "space before the colon": "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nab",
  "a bare LF": "HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
  "NUL": "HTTP/1.1 200 OK\r\nX-A: \x00\r\n\r\n",
  "NUL in the reason": "HTTP/1.1 200 O\x00K\r\n\r\n",
  "a bad version": "HTTP/2.0 200 OK\r\n\r\n",
  "another protocol": "SSH-2.0-OpenSSH_9.2\r\n",
  "a bad status": "HTTP/1.1 2x0 OK\r\n\r\n",
  "a small status": "HTTP/1.1 099 OK\r\n\r\n",
  "a long status": "HTTP/1.1 2000 OK\r\n\r\n",
  "an empty line first": "\r\nHTTP/1.1 200 OK\r\n\r\n",
  "101 unasked": "HTTP/1.1 101 Switching Protocols\r\n\r\n",
  "an endless head": `HTTP/1.1 200 OK\r\nX-A: ${"x".repeat(MAX_HEAD_BYTES)}`,
  "endless 1xx": "HTTP/1.1 102 Processing\r\n\r\n".repeat(
    MAX_INFORMATIONAL + 1,
  ),
};

describe("connectHttp1() and a server that", () => {
  test.each(Object.keys(HOSTILE))("answers with %s", async (name) => {
    for (const chunkBytes of [Infinity, 1]) {
      const { connection, server, events } = start({ chunkBytes });
      const [response] = send(connection);
      server.send(HOSTILE[name] ?? "");
      await server.until(() => server.closed);
      expect(response.reset?.origin).toBe("protocol");
      expect(response.ended).toBeFalse();
      expect(events.at(-1)).toBe("closed");
      expect(connection.closed).toBeTrue();
    }
  });

  test.each([
    ["before its head", ""],
    ["in its head", "HTTP/1.1 200 OK\r\n"],
    ["in its body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"],
    [
      "in a chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
  ])("closes %s", async (_, text) => {
    for (const leave of ["end", "destroy"] as const) {
      const { connection, server, events } = start();
      const [response] = send(connection);
      server.send(text);
      await turn();
      server.channel[leave]();
      await server.until(() => server.closed);
      await server.until(() => events.length > 0);
      expect(response.reset?.origin).toBe("io");
      expect(events).toEqual(["closed"]);
    }
  });

  test("speaks unasked, or more than asked, is left", async () => {
    const idle = start();
    idle.server.send(
      "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
    );
    await idle.server.until(() => idle.server.closed);
    expect(idle.events).toEqual(["closed"]);

    const { connection, server, events } = start();
    const [response] = send(connection);
    const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    server.send(answer + answer);
    await server.until(() => server.closed);
    expect(response.body).toBe("ok");
    expect(response.ended).toBeTrue();
    expect(events).toEqual(["closed"]);
  });

  test("closes an idle connection", async () => {
    const { server, events, near } = start();
    server.channel.end();
    await server.until(() => server.closed);
    expect(events).toEqual(["closed"]);
    expect(near.closed).toBeTrue();
  });
});

describe("connectHttp1() ending", () => {
  test("reset() closes the connection and tells the reader nothing", async () => {
    const { connection, server, events } = start();
    const [response, stream] = send(connection);
    stream.reset({ code: 8, origin: "local", message: "" });
    await server.until(() => server.closed);
    expect(response.reset).toBeNull();
    expect(events).toEqual(["closed"]);
  });

  test("drain() waits for the response, or closes at once when idle", async () => {
    const { connection, server, events } = start();
    const [response] = send(connection);
    connection.drain();
    expect(connection.ready).toBeFalse();
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    await server.until(() => server.ended);
    expect(response.ended).toBeTrue();
    expect(events).toEqual(["retiring", "closed"]);

    const idle = start();
    idle.connection.drain();
    await idle.server.until(() => idle.server.ended);
    expect(idle.events).toEqual(["closed"]);
  });

  test("destroy() resets what is in flight", async () => {
    const { connection, server, events } = start();
    const [response] = send(connection);
    connection.destroy();
    await server.until(() => server.closed);
    expect(response.reset?.origin).toBe("local");
    expect(events).toEqual(["closed"]);
  });
});
