import { describe, expect, test } from "bun:test";
import { send, startClient } from "../testing/http1.ts";
import { turn } from "../testing/recorder.ts";
import { MAX_HEAD_BYTES, MAX_INFORMATIONAL } from "./limits.ts";

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
      const { connection, server, events } = startClient({ chunkBytes });
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
      const { connection, server, events } = startClient();
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
    const idle = startClient();
    idle.server.send(
      "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
    );
    await idle.server.until(() => idle.server.closed);
    expect(idle.events).toEqual(["closed"]);

    const { connection, server, events } = startClient();
    const [response] = send(connection);
    const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    server.send(answer + answer);
    await server.until(() => server.closed);
    expect(response.body).toBe("ok");
    expect(response.ended).toBeTrue();
    expect(events).toEqual(["closed"]);
  });

  test("closes an idle connection", async () => {
    const { server, events, near } = startClient();
    server.channel.end();
    await server.until(() => server.closed);
    expect(events).toEqual(["closed"]);
    expect(near.closed).toBeTrue();
  });
});

describe("connectHttp1() ending", () => {
  test("reset() closes the connection and tells the reader nothing", async () => {
    const { connection, server, events } = startClient();
    const [response, stream] = send(connection);
    stream.reset({ code: 8, origin: "local", message: "" });
    await server.until(() => server.closed);
    expect(response.reset).toBeNull();
    expect(events).toEqual(["closed"]);
  });

  test("drain() waits for the response, or closes at once when idle", async () => {
    const { connection, server, events } = startClient();
    const [response] = send(connection);
    connection.drain();
    expect(connection.ready).toBeFalse();
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    await server.until(() => server.ended);
    expect(response.ended).toBeTrue();
    expect(events).toEqual(["retiring", "closed"]);

    const idle = startClient();
    idle.connection.drain();
    await idle.server.until(() => idle.server.ended);
    expect(idle.events).toEqual(["closed"]);
  });

  test("destroy() resets what is in flight", async () => {
    const { connection, server, events } = startClient();
    const [response] = send(connection);
    connection.destroy();
    await server.until(() => server.closed);
    expect(response.reset?.origin).toBe("local");
    expect(events).toEqual(["closed"]);
  });
});
