import { describe, expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import { ErrorCode, type RequestHead } from "../http/message.ts";
import {
  requestHead,
  send,
  sendWithBody,
  upgradeHead,
} from "../testing/http1.ts";
import { turn } from "../testing/recorder.ts";
import { Flag } from "./frames.ts";
import { startClient } from "./testing/http2.ts";

const OK = [":status: 200"];

describe("connectHttp2() requests", () => {
  const cases: readonly [string, RequestHead, string][] = [
    [
      "from HTTP/1",
      requestHead("GET", "/x?y", { host: "svc:80", accept: "*/*" }),
      ":method: GET | :scheme: http | :authority: svc:80 | :path: /x?y | accept: */*",
    ],
    [
      "with an authority other than their host",
      requestHead("GET", "/", { host: "h", authority: "a" }),
      ":method: GET | :scheme: http | :authority: a | :path: / | host: h",
    ],
    [
      "with an authority equal to their host",
      requestHead("GET", "/", { host: "a", authority: "a" }),
      ":method: GET | :scheme: http | :authority: a | :path: /",
    ],
    [
      "without any authority",
      requestHead("GET", "/"),
      ":method: GET | :scheme: http | :path: /",
    ],
    [
      "with fields that belong to HTTP/1",
      requestHead("GET", "/", {
        "connection": "close",
        "keep-alive": "1",
        "te": "gzip, trailers",
        "upgrade": "h2c",
        "x": "y",
      }),
      ":method: GET | :scheme: http | :path: / | te: trailers | x: y",
    ],
    [
      "with codings that end here",
      requestHead("GET", "/", { te: "gzip" }),
      ":method: GET | :scheme: http | :path: /",
    ],
  ];

  test.each(cases)("%s are encoded", async (_name, head, line) => {
    const { connection, server } = startClient();
    send(connection, head);
    const [method, scheme, authority, path, ...rest] = line.split(" | ");
    expect((await server.line("headers 1")).split(" | ").sort()).toEqual(
      ["headers 1 end", method, scheme, authority, path, ...rest]
        .filter((part) => part !== undefined).sort(),
    );
  });

  test("declare the length that the head has", async () => {
    const { connection, server } = startClient();
    const head = requestHead("POST", "/", { "content-length": "99" });
    head.contentLength = 5;
    sendWithBody(connection, head);
    expect(await server.line("headers 1")).toContain("content-length: 5");
  });

  test("for upgrade and CONNECT are refused, and upgrade throws", () => {
    const { connection } = startClient();
    expect(() => send(connection, upgradeHead())).toThrow("Cannot send");
    const [, stream] = send(connection);
    expect(() => stream.upgrade()).toThrow("Cannot upgrade");
  });
});

test("the first bytes are the preface and SETTINGS without push", async () => {
  const { server } = startClient({ initialStreamWindow: 1_000_000 });
  await server.line("settings");
  await server.line("windowUpdate 0 983041");
});

describe("connectHttp2() responses", () => {
  test("have informational heads, body and trailers", async () => {
    const { connection, server } = startClient();
    server.settings([]);
    const [response] = send(connection);
    await server.line("headers 1");
    server.headers(1, [":status: 103", "link: x"], Flag.endHeaders);
    server.headers(1, [...OK, "content-length: 4"], Flag.endHeaders);
    server.body(1, 4, false);
    server.headers(1, ["grpc-status: 0"]);
    while (!response.ended) await turn();
    expect(response.informational).toEqual([103]);
    expect(response.head?.version).toBe("2");
    expect(response.head?.contentLength).toBe(4);
    expect(response.body).toBe("aaaa");
    expect(response.trailers).toEqual(["grpc-status: 0"]);
    expect(connection.active).toBe(0);
  });

  test("to HEAD may declare a length", async () => {
    const { connection, server } = startClient();
    server.settings([]);
    const [response] = send(connection, requestHead("HEAD", "/"));
    await server.line("headers 1");
    server.headers(1, [...OK, "content-length: 400"]);
    while (!response.ended) await turn();
    expect(response.status).toBe(200);
    expect(response.reset).toBe(null);
  });

  const malformed: Readonly<Record<string, readonly string[]>> = {
    "no status": ["a: b"],
    "a status of 101": [":status: 101"],
    "a status of two digits": [":status: 20"],
    "a status below 100": [":status: 099"],
    "two statuses": [":status: 200", ":status: 200"],
    "a pseudo-field of requests": [":status: 200", ":path: /"],
    "END_STREAM on an informational head": [":status: 103"],
    "a length and no body": [":status: 200", "content-length: 3"],
    "transfer-encoding": [":status: 200", "transfer-encoding: chunked"],
    "a line break in a value": [":status: 200", "a: b\r\nset-cookie: c"],
  };

  test.each(Object.keys(malformed))(
    "with %s are refused, on their stream only",
    async (name) => {
      const { connection, server } = startClient();
      server.settings([]);
      const [response] = send(connection);
      const [other] = send(connection);
      await server.line("headers 3");
      server.headers(1, malformed[name] ?? []);
      expect(await server.line("rstStream")).toBe("rstStream 1 1");
      expect(response.reset).toMatchObject({ code: 1, origin: "protocol" });
      server.headers(3, OK);
      while (!other.ended) await turn();
    },
  );

  test("that send a body before their head, or to HEAD, are refused", async () => {
    const { connection, server } = startClient();
    server.settings([]);
    const [early] = send(connection);
    const [head] = send(connection, requestHead("HEAD", "/"));
    await server.line("headers 3");
    server.body(1, 1, false);
    server.headers(3, OK, Flag.endHeaders);
    server.body(3, 1, true);
    await server.line("rstStream 3 1");
    expect(early.reset?.origin).toBe("protocol");
    expect(head.reset?.origin).toBe("protocol");
  });

  test("beyond the header list limit are refused", async () => {
    const { connection, server } = startClient({ maxHeaderListBytes: 1000 });
    server.settings([]);
    const [response] = send(connection);
    await server.line("headers 1");
    server.headers(1, [...OK, "a: " + "x".repeat(1000)]);
    expect(await server.line("rstStream")).toBe(
      `rstStream 1 ${ErrorCode.enhanceYourCalm}`,
    );
    expect(response.reset?.origin).toBe("protocol");
  });

  test("end with the code of the server's reset", async () => {
    const { connection, server } = startClient();
    server.settings([]);
    const [response] = send(connection);
    await server.line("headers 1");
    server.reset(1, ErrorCode.refusedStream);
    while (response.reset === null) await turn();
    expect(response.reset).toMatchObject({ code: 7, origin: "peer" });
  });

  test("that were complete stay so when the rest of the request is refused", async () => {
    const { connection, server } = startClient();
    server.settings([]);
    const [response, stream] = sendWithBody(
      connection,
      requestHead("POST", "/"),
    );
    expect(stream.data(new Uint8Array(70_000))).toBeFalse();
    await server.line("headers 1");
    server.headers(1, OK);
    server.reset(1, ErrorCode.noError);
    while (connection.active > 0) await turn();
    expect(response.ended).toBeTrue();
    expect(response.reset).toBe(null);
    // The source may run dry: nobody listens.
    expect(response.drains).toBe(1);
    expect(stream.data(new Uint8Array(70_000))).toBeTrue();
  });
});

test("a request given up is reset, and what still comes for it is ignored", async () => {
  const { connection, server } = startClient();
  server.settings([]);
  const [response, stream] = send(connection);
  await server.line("headers 1");
  stream.reset({ code: ErrorCode.cancel, origin: "local", message: "enough" });
  expect(await server.line("rstStream")).toBe("rstStream 1 8");
  server.headers(1, [...OK, "x-indexed: 1"], Flag.endHeaders);
  server.body(1, 10, true);
  const [next] = send(connection);
  await server.line("headers 3");
  server.headers(3, [...OK, "x-indexed: 1"]);
  while (!next.ended) await turn();
  expect(response.reset).toBe(null);
  expect(response.head).toBe(null);
  expect(next.fields).toEqual(["x-indexed: 1"]);
});

describe("connectHttp2() ready", () => {
  test("assumes 100 streams before SETTINGS, and obeys them afterwards", async () => {
    const { connection, server, events } = startClient();
    for (let count = 0; count < 100; count++) {
      expect(connection.ready).toBeTrue();
      send(connection);
    }
    expect(connection.ready).toBeFalse();
    expect(() => send(connection)).toThrow("ready");
    server.settings([3, 101]);
    while (!connection.ready) await turn();
    expect(events).toEqual(["ready"]);
    send(connection);
    expect(connection.ready).toBeFalse();
    server.headers(1, OK);
    while (!connection.ready) await turn();
    expect(events).toEqual(["ready", "ready"]);
    expect(connection.active).toBe(100);
  });

  test("is false while the server reads nothing", async () => {
    const { connection, server, far, events } = startClient();
    server.settings([]);
    await server.line("settings");
    far.pause();
    while (connection.ready) {
      send(connection, requestHead("GET", "/", { long: "x".repeat(10_000) }));
    }
    await turn();
    far.resume();
    while (!connection.ready) await turn();
    expect(events).toContain("ready");
  });
});

describe("connectHttp2() GOAWAY", () => {
  test("lets requests that were seen finish, resets the others as refused", async () => {
    const { connection, server, events } = startClient();
    server.settings([]);
    const [first] = send(connection);
    const [second] = send(connection);
    await server.line("headers 3");
    server.goaway(0x7fffffff, 0);
    while (events.length === 0) await turn();
    expect(events).toEqual(["retiring"]);
    expect(connection.ready).toBeFalse();
    server.goaway(1, 0);
    while (second.reset === null) await turn();
    expect(second.reset).toMatchObject({
      code: ErrorCode.refusedStream,
      origin: "peer",
    });
    server.headers(1, OK);
    await server.end();
    expect(first.ended).toBeTrue();
    expect(first.reset).toBe(null);
  });

  test("on an idle connection closes it, without an error", async () => {
    const { server, events, far } = startClient();
    server.settings([]);
    server.goaway(0, 0);
    await server.end();
    far.end();
    while (events.length < 2) await turn();
    expect(events).toEqual(["retiring", "closed"]);
  });

  test("with a code is the reason of the end", async () => {
    const { server, events, far } = startClient();
    server.settings([]);
    server.goaway(0, ErrorCode.enhanceYourCalm);
    await server.end();
    far.end();
    while (events.length < 2) await turn();
    expect(events[1]).toContain("GOAWAY with code 11");
  });
});

test("drain() finishes what is in flight, then closes with GOAWAY", async () => {
  const { connection, server, events, far } = startClient();
  server.settings([]);
  const [response] = send(connection);
  connection.drain();
  expect(connection.ready).toBeFalse();
  await server.line("headers 1");
  server.headers(1, OK);
  expect(await server.line("goaway")).toBe("goaway 0 0");
  await server.end();
  far.end();
  while (events.length === 0) await turn();
  expect(response.ended).toBeTrue();
  expect(events).toEqual(["closed"]);
  expect(connection.closed).toBeTrue();
});

test("destroy() resets what is in flight and closes at once", async () => {
  const { connection, server, events } = startClient();
  const [response] = send(connection);
  connection.destroy();
  expect(response.reset).toMatchObject({ origin: "local" });
  await server.end();
  while (events.length === 0) await turn();
  expect(events).toEqual(["closed"]);
});

test("a lost connection resets what is in flight", async () => {
  const { connection, far, events } = startClient();
  const [response] = send(connection);
  await turn();
  far.destroy();
  while (events.length === 0) await turn();
  expect(response.reset?.origin).toBe("io");
  expect(events[0]).toContain("reset by peer");
});

test.each([
  ["HEADERS on a stream nobody opened", 1],
  ["HEADERS on an even stream", 2],
])("a server that sends %s is left", async (_name, id) => {
  const { connection, server, events, far } = startClient();
  server.settings([]);
  server.headers(id, OK);
  expect(await server.line("goaway")).toBe("goaway 0 1");
  await server.end();
  far.end();
  while (events.length === 0) await turn();
  expect(connection.closed).toBeTrue();
  expect(events[0]).toContain("not open");
});

test("a server that does not answer PINGs is left", async () => {
  const { connection, server, events } = startClient({
    keepAlive: { keepAliveIntervalMs: 5, keepAliveTimeoutMs: 5 },
  });
  const [response] = send(connection);
  await server.line("ping");
  while (events.length === 0) await turn();
  expect(response.reset?.origin).toBe("io");
  expect(events[0]).toContain("PING");
});

test("a PING is answered with its payload", async () => {
  const { server, connection } = startClient();
  server.settings([]);
  server.ping();
  await server.line("ping ack");
  connection.destroy();
});

test("trailers of a request follow its body", async () => {
  const { server, connection } = startClient();
  server.settings([]);
  const [, stream] = sendWithBody(connection, requestHead("POST", "/"));
  stream.data(new Uint8Array(3));
  stream.end([Field.of("x-sum", "3")]);
  expect(await server.line("headers 1 end")).toBe(
    "headers 1 end | x-sum: 3",
  );
});
