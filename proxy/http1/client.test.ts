import { describe, expect, test } from "bun:test";
import {
  bytesOf,
  requestHead,
  send,
  sendWithBody,
  startClient,
  upgradeHead,
} from "../testing/http1.ts";
import { Recorder, turn } from "../testing/recorder.ts";

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
        const { connection, server, events } = startClient();
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
    const { connection, server, events } = startClient();
    const [response] = send(
      connection,
      requestHead("HEAD", "/", { host: "a" }),
    );
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    await server.until(() => events.includes("ready"));
    expect(response.ended).toBeTrue();
    expect(response.head?.contentLength).toBe(5);
  });

  test.each(["1.0", "1.1"])(
    "HTTP/%s without a length lasts until the close",
    async (version) => {
      const { connection, server, events } = startClient();
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
    const { connection, server, events } = startClient();
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
    const { connection, server, events } = startClient();
    send(connection);
    server.send(
      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    );
    await server.until(() => events.includes("ready"));
  });

  test("a page that wants no more slows the server down", async () => {
    const { connection, server, far } = startClient({ highWaterBytes: 1000 });
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
    const { connection, server, far } = startClient({ highWaterBytes: 1000 });
    const head = requestHead("POST", "/", { host: "a" });
    const [response, stream] = sendWithBody(connection, head);
    far.pause();
    expect(stream.data(bytesOf("x".repeat(2000)))).toBeFalse();
    await turn();
    expect(response.drains).toBe(0);
    far.resume();
    await server.until(() => response.drains === 1);
  });
});

describe("connectHttp1() early answers", () => {
  test("an answer before the end of the request closes the connection", async () => {
    const { connection, server, events } = startClient();
    const [response, stream] = sendWithBody(
      connection,
      requestHead("POST", "/", { host: "a" }),
    );
    stream.data(bytesOf("abc"));
    server.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    await server.until(() => response.ended);
    expect([response.status, response.body]).toEqual([413, "no"]);
    await server.until(() => server.closed);
    expect(events).toEqual(["closed"]);
    expect(stream.data(bytesOf("late"))).toBeTrue();
    stream.end([]);
  });

  test("one that comes with the last declared byte does not", async () => {
    const { connection, server, events } = startClient();
    const head = requestHead("POST", "/", { host: "a" });
    head.contentLength = 3;
    const [response, stream] = sendWithBody(connection, head);
    server.send("HTTP/1.1 200 OK\r\n");
    stream.data(bytesOf("abc"));
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
      const { connection, server, events } = startClient({ chunkBytes });
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

  test("101 gives the connection away at once to whoever asks when it comes", async () => {
    const { connection, server } = startClient();
    const [response, stream] = send(connection, upgradeHead());
    const tunnel = Promise.withResolvers<Recorder>();
    response.responseHead = () =>
      tunnel.resolve(new Recorder(stream.upgrade()));
    server.send(SWITCH + "early");
    const recorder = await tunnel.promise;
    await recorder.until(() => recorder.text === "early");
  });

  test("2xx to CONNECT has no length, whatever it says", async () => {
    const { connection, server } = startClient();
    const head = requestHead("CONNECT", "a:1", { host: "a:1" });
    head.upgrade = true;
    const [response, stream] = send(connection, head);
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nraw bytes");
    await server.until(() => response.ended);
    expect(response.fields).toEqual([]);
    const tunnel = new Recorder(stream.upgrade());
    await tunnel.until(() => tunnel.text === "raw bytes");
  });

  test("another answer to an upgrade is an ordinary one", async () => {
    const { connection, server, events } = startClient();
    const [response] = send(connection, upgradeHead());
    server.send("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno");
    await server.until(() => events.includes("ready"));
    expect(response.body).toBe("no");
  });
});
