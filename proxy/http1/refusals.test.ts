import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import {
  createMemoryChannels,
  type MemoryOptions,
} from "../testing/memory-channel.ts";
import { RecordedRequest } from "../testing/recorded-exchange.ts";
import { Recorder, turn } from "../testing/recorder.ts";
import {
  HEAD_TIMEOUT_MS,
  LINGER_MS,
  MAX_EXTENSION_BYTES,
  MAX_FIELDS,
  MAX_HEAD_BYTES,
  MAX_TARGET_BYTES,
  MAX_TRAILER_BYTES,
  MAX_WAITING_BYTES,
} from "./limits.ts";
import type { Refusal } from "./refusal.ts";
import { serveHttp1 } from "./server.ts";

function start(options: MemoryOptions = {}) {
  const [near, far] = createMemoryChannels(options);
  const requests: RecordedRequest[] = [];
  const refusals: Refusal[] = [];
  const refused = (refusal: Refusal): void => {
    refusals.push(refusal);
  };
  serveHttp1(far, { refused }, (exchange) => {
    const request = new RecordedRequest(exchange);
    requests.push(request);
    request.afterEnd(() => request.answer(200, "ok"));
  });
  return { client: new Recorder(near), requests, refusals, near, far };
}

const line = (status: number) => new RegExp(`^HTTP/1.1 ${status} [A-Z].*\r\n`);
const get = (...fields: string[]) =>
  ["GET / HTTP/1.1", "Host: a", ...fields, "", ""].join("\r\n");
const post = (...fields: string[]) =>
  ["POST / HTTP/1.1", "Host: a", ...fields, "", ""].join("\r\n");

/** What breaks the rules of a head, and what is answered. */
const HEADS: Record<string, readonly [number, string]> = {
  "conflicting content-length": [
    400,
    post("Content-Length: 5", "Content-Length: 6"),
  ],
  "repeated content-length": [
    400,
    post("Content-Length: 5", "Content-Length: 5"),
  ],
  "a list of content-lengths": [400, post("Content-Length: 5, 5")],
  "content-length with a sign": [400, post("Content-Length: +5")],
  "negative content-length": [400, post("Content-Length: -5")],
  "hexadecimal content-length": [400, post("Content-Length: 0x5")],
  "empty content-length": [400, post("Content-Length:")],
  "content-length of two words": [400, post("Content-Length: 1 2")],
  "content-length beyond numbers": [
    413,
    post("Content-Length: 99999999999999999999"),
  ],
  "content-length, then transfer-encoding": [
    400,
    post("Content-Length: 5", "Transfer-Encoding: chunked"),
  ],
  "transfer-encoding, then content-length": [
    400,
    post("Transfer-Encoding: chunked", "Content-Length: 5"),
  ],
  "an unknown coding": [400, post("Transfer-Encoding: xchunked")],
  "gzip before chunked": [400, post("Transfer-Encoding: gzip, chunked")],
  "chunked twice in a list": [400, post("Transfer-Encoding: chunked, chunked")],
  "chunked twice": [
    400,
    post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
  ],
  "chunked, then identity": [
    400,
    post("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
  ],
  "quoted chunked": [400, post('Transfer-Encoding: "chunked"')],
  "empty transfer-encoding": [400, post("Transfer-Encoding:")],
  "vertical tab before chunked": [400, post("Transfer-Encoding: \x0bchunked")],
  "transfer-encoding in HTTP/1.0": [
    400,
    post("Transfer-Encoding: chunked").replace("1.1", "1.0"),
  ],
  "a folded line": [400, get("X-A: 1", " folded")],
  "a folded line by tab": [400, get("X-A: 1", "\tfolded")],
  "a folded first line": [
    400,
    "GET / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n",
  ],
  "space before the colon": [400, post("Content-Length : 5")],
  "tab before the colon": [400, post("Transfer-Encoding\t: chunked")],
  "space in a name": [400, get("X A: 1")],
  "an empty name": [400, get(": 1")],
  "no colon": [400, get("X-A")],
  "an octet above 127 in a name": [400, get("X-\xe9: 1")],
  "a bare CR in a value": [400, get("X-A: 1\rX-B: 2")],
  "a bare CR at the end": [400, get("X-A: 1\r")],
  "a bare LF after a field": [400, "GET / HTTP/1.1\r\nHost: a\n\r\n"],
  "a bare LF after the request line": [
    400,
    "GET / HTTP/1.1\nHost: a\r\n\r\n",
  ],
  "a bare LF at the end": [400, "GET / HTTP/1.1\r\nHost: a\r\n\n"],
  "NUL in a value": [400, get("X-A: 1\x002")],
  "NUL in a name": [400, get("X-\x00A: 1")],
  "NUL in the target": [400, get().replace("/ ", "/\x00 ")],
  "a control in a value": [400, get("X-A: \x01")],
  "DEL in a value": [400, get("X-A: \x7f")],
  "two hosts": [400, get("Host: a")],
  "two hosts apart": [400, get("X-A: 1", "host: b")],
  "no host": [400, "GET / HTTP/1.1\r\n\r\n"],
  "a list of hosts": [400, get().replace("Host: a", "Host: a, b")],
  "a path in host": [400, get().replace("Host: a", "Host: a/b")],
  "user information in host": [400, get().replace("Host: a", "Host: u@a")],
  "no version": [400, "GET /\r\n\r\n"],
  "an empty version": [400, "GET / \r\nHost: a\r\n\r\n"],
  "HTTP/1.2": [505, get().replace("1.1", "1.2")],
  "HTTP/2.0": [505, get().replace("1.1", "2.0")],
  "the HTTP/2 preface": [505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  "a lower-case version": [400, get().replace("HTTP", "http")],
  "a long version": [400, get().replace("1.1", "1.11")],
  "two spaces in the request line": [400, get().replace("/ ", "/  ")],
  "space at its start": [400, ` ${get()}`],
  "space at its end": [400, get().replace("1.1", "1.1 ")],
  "tabs in the request line": [400, get().replaceAll(" ", "\t")],
  "a bad method": [400, get().replace("GET", "G@T")],
  "a long method": [501, get().replace("GET", "G".repeat(33))],
  "no target": [400, "GET HTTP/1.1\r\nHost: a\r\n\r\n"],
  "a fragment": [400, get().replace("/", "/a#b")],
  "authority-form without CONNECT": [400, get().replace("/ ", "a:80 ")],
  "a word for a target": [400, get().replace("/ ", "test ")],
  "asterisk-form without OPTIONS": [400, get().replace("/ ", "* ")],
  "an absolute URI without host": [400, get().replace("/ ", "http:///x ")],
  "an absolute URI with user": [400, get().replace("/ ", "http://u@a/ ")],
  "CONNECT in origin-form": [400, get().replace("GET /", "CONNECT /")],
  "CONNECT in absolute-form": [
    400,
    get().replace("GET /", "CONNECT http://a/"),
  ],
  "CONNECT without port": [400, get().replace("GET /", "CONNECT a")],
  "CONNECT over HTTP/1.0": [
    400,
    "CONNECT a:1 HTTP/1.0\r\nHost: a:1\r\n\r\n",
  ],
  "CONNECT with a body": [
    400,
    post("Content-Length: 5").replace("POST /", "CONNECT a:1"),
  ],
  "two empty lines first": [400, `\r\n\r\n${get()}`],
  "garbage": [400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
  "an oversized head": [431, get(`X-A: ${"x".repeat(MAX_HEAD_BYTES)}`)],
  "an oversized head of many lines": [
    431,
    get(...Array<string>(MAX_FIELDS).fill(`X-A: ${"x".repeat(1000)}`)),
  ],
  "too many fields": [431, get(...Array<string>(MAX_FIELDS + 1).fill("a: 1"))],
  "an oversized target": [
    414,
    get().replace("/", `/${"x".repeat(MAX_TARGET_BYTES)}`),
  ],
};

describe("a head with", () => {
  test.each(Object.keys(HEADS))("%s is refused", async (name) => {
    const [status, text] = HEADS[name] ?? [0, ""];
    // Twice: what was seen once must not slip through a cache.
    for (let round = 0; round < 2; round++) {
      const { client, requests, refusals } = start();
      client.send(get());
      await client.until(() => client.take().endsWith("ok"));
      client.send(text + get());
      await client.until(() => client.ended);
      expect(client.text).toMatch(line(status));
      expect(client.text).toContain("\r\nconnection: close\r\n");
      expect(client.text.split("HTTP/1.1").length).toBe(2);
      expect(requests.length).toBe(1);
      expect(refusals.map((refusal) => refusal.status as number))
        .toEqual([status]);
    }
  });

  test("a refusal waits its turn behind an answer under way", async () => {
    const [near, far] = createMemoryChannels();
    const client = new Recorder(near);
    const requests: RecordedRequest[] = [];
    serveHttp1(far, {}, (exchange) => {
      requests.push(new RecordedRequest(exchange));
    });
    client.send(get() + "nonsense\r\n\r\n");
    await client.until(() => requests.length === 1);
    await turn();
    expect(client.text).toBe("");
    requests[0]?.answer(200, "ok");
    await client.until(() => client.ended);
    expect(client.text).toMatch(/^HTTP\/1.1 200 OK[^]*okHTTP\/1.1 400 /);
  });
});

/** What breaks the rules of a chunked body. */
const BODIES: Record<string, string> = {
  "no size": "\r\nabc\r\n0\r\n\r\n",
  "a size that is no number": "xyz\r\n",
  "a size with a sign": "-3\r\nabc\r\n",
  "a size with 0x": "0x3\r\nabc\r\n",
  "a size with space": "3 \r\nabc\r\n",
  "a size beyond numbers": "fffffffffffff\r\n",
  "a bare LF after the size": "3\nabc\r\n",
  "a bare CR after the size": "3\rabc\r\n",
  "a bare LF in an extension": "3;a=\nb\r\nabc\r\n",
  "a control in an extension": "3;\x00\r\nabc\r\n",
  "more data than its size": "3\r\nabcd\r\n",
  "a bare LF after the data": "3\r\nabc\n0\r\n\r\n",
  "CR and no LF after the data": "3\r\nabc\rX",
  "a bare LF in the trailers": "0\r\nX-A: 1\n\r\n",
  "a folded trailer": "0\r\nX-A: 1\r\n 2\r\n\r\n",
  "endless extensions": `3;${"x".repeat(MAX_EXTENSION_BYTES + 1)}`,
  "endless trailers": `0\r\nX-A: ${"x".repeat(MAX_TRAILER_BYTES)}`,
  "too many trailers": `0\r\n${"a: 1\r\n".repeat(MAX_FIELDS + 1)}`,
};

describe("a chunked body with", () => {
  test.each(Object.keys(BODIES))("%s resets the request", async (name) => {
    for (const chunkBytes of [Infinity, 1]) {
      const { client, requests } = start({ chunkBytes });
      client.send(post("Transfer-Encoding: chunked") + BODIES[name]);
      await client.until(() => client.ended);
      expect(client.text).toMatch(/^HTTP\/1.1 (400|413|431) /);
      expect(requests.length).toBe(1);
      expect(requests[0]?.ended).toBeFalse();
      expect(requests[0]?.reset?.origin).toBe("protocol");
    }
  });

  test("bad bytes breaks the connection once the answer has begun", async () => {
    const { client, requests } = start();
    client.send(post("Transfer-Encoding: chunked"));
    await client.until(() => requests.length === 1);
    requests[0]?.begin(200);
    client.send("nonsense");
    await client.until(() => client.closed);
    expect(requests[0]?.reset?.origin).toBe("protocol");
    expect(client.text).not.toContain("400");
  });
});

describe("slow and greedy clients", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** Lets bytes travel without letting time pass. */
  const travel = async (): Promise<void> => {
    for (let hop = 0; hop < 20; hop++) await Promise.resolve();
  };

  test("a head must be complete in time, whatever trickles in", async () => {
    const { client, requests } = start();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n");
    for (let drip = 0; drip < 5; drip++) {
      await travel();
      client.send(`X-${drip}: 1\r\n`);
      jest.advanceTimersByTime(HEAD_TIMEOUT_MS / 5 - 1);
      expect(client.text).toBe("");
    }
    jest.advanceTimersByTime(5);
    await travel();
    expect(client.ended).toBeTrue();
    expect(client.text).toMatch(line(408));
    expect(requests.length).toBe(0);
  });

  test("an idle connection has no such limit", async () => {
    const { client } = start();
    jest.advanceTimersByTime(2 * HEAD_TIMEOUT_MS);
    client.send(get().slice(0, 5));
    await travel();
    client.send(get().slice(5));
    await travel();
    expect(client.text).toEndWith("ok");
    jest.advanceTimersByTime(2 * HEAD_TIMEOUT_MS);
    await travel();
    expect(client.ended).toBeFalse();
  });

  test("a refused client that stays is cut off", async () => {
    const { client, far } = start();
    client.send("nonsense\r\n\r\n");
    await travel();
    expect([client.ended, far.closed]).toEqual([true, false]);
    jest.advanceTimersByTime(LINGER_MS);
    expect(far.closed).toBeTrue();
  });

  test("a refused client that goes on sending is slowed down", async () => {
    const { client, near } = start({ highWaterBytes: 1000 });
    client.send("nonsense\r\n\r\n");
    for (let sent = 0; sent < 2 * MAX_WAITING_BYTES; sent += 65_536) {
      client.send("x".repeat(65_536));
      await travel();
    }
    client.send("x".repeat(2000));
    await travel();
    expect(near.congested).toBeTrue();
  });

  test("a head that comes byte by byte is refused at the same size", async () => {
    const { client, near } = start({ chunkBytes: 1 });
    client.send(get("X-A: ").slice(0, -4));
    client.send("x".repeat(2 * MAX_HEAD_BYTES));
    await travel();
    expect(client.text).toMatch(line(431));
    expect(near.queuedBytes).toBe(0);
  });
});
