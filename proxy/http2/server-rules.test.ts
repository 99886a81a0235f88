import { expect, test } from "bun:test";
import type { RecordedRequest } from "../testing/recorded-exchange.ts";
import { Flag, FrameType, PREFACE } from "./frames.ts";
import { startServer } from "./testing/http2.ts";
import type { RawPeer } from "./testing/raw-peer.ts";

const END = Flag.endHeaders | Flag.endStream;
const HEAD = [":method: GET", ":scheme: http", ":path: /", ":authority: a"];

function answerOk(request: RecordedRequest): void {
  request.afterEnd(() => request.answer(200, "ok"));
}

/** Requests that RFC 9113 8.2 and 8.3 call malformed. */
const MALFORMED: Readonly<Record<string, readonly string[]>> = {
  "no method": HEAD.slice(1),
  "no scheme": [":method: GET", ":path: /"],
  "no path": [":method: GET", ":scheme: http"],
  "an empty path": [":method: GET", ":scheme: http", ":path: "],
  "a relative path": [":method: GET", ":scheme: http", ":path: x"],
  "an asterisk with GET": [":method: GET", ":scheme: http", ":path: *"],
  "a path with a space": [":method: GET", ":scheme: http", ":path: /a b"],
  "a path with a line break": [":method: GET", ":scheme: http", ":path: /\r\n"],
  "a method with a space": [":method: GE T", ":scheme: http", ":path: /"],
  "userinfo in the authority": [...HEAD.slice(0, 3), ":authority: u@a"],
  "an empty authority": [...HEAD.slice(0, 3), ":authority: "],
  "two methods": [":method: GET", ...HEAD],
  "two paths": [...HEAD, ":path: /"],
  "a status": [...HEAD, ":status: 200"],
  "an unknown pseudo-field": [...HEAD, ":protocol: websocket"],
  "a pseudo-field after a field": [...HEAD.slice(1), "a: b", ":method: GET"],
  "a pseudo-field after host": [...HEAD.slice(1), "host: a", ":method: GET"],
  "two hosts": [...HEAD, "host: a", "host: b"],
  "a name in capitals": [...HEAD, "Accept: x"],
  "a name with a space": [...HEAD, "a b: x"],
  "an empty name": [...HEAD, ": x"],
  "a line feed in a value": [...HEAD, "a: b\ntransfer-encoding: chunked"],
  "a carriage return in a value": [...HEAD, "a: b\r"],
  "a NUL in a value": [...HEAD, "a: \0"],
  "a value with white space in front": [...HEAD, "a:  b"],
  "a value with white space behind": [...HEAD, "a: b\t"],
  "connection": [...HEAD, "connection: close"],
  "keep-alive": [...HEAD, "keep-alive: 1"],
  "proxy-connection": [...HEAD, "proxy-connection: close"],
  "upgrade": [...HEAD, "upgrade: h2c"],
  "transfer-encoding": [...HEAD, "transfer-encoding: chunked"],
  "te other than trailers": [...HEAD, "te: trailers, gzip"],
  "content-length that is no number": [...HEAD, "content-length: +1"],
  "content-length that is absurd": [
    ...HEAD,
    "content-length: " + "9".repeat(16),
  ],
  "two content-lengths": [...HEAD, "content-length: 0", "content-length: 0"],
  "content-length without a body": [...HEAD, "content-length: 1"],
};

test.each(Object.keys(MALFORMED))(
  "a request with %s is reset, and never served",
  async (name) => {
    const { client, requests } = startServer(answerOk);
    client.start();
    client.headers(1, MALFORMED[name] ?? []);
    expect(await client.line("rstStream")).toBe("rstStream 1 1");
    // The connection and its compression state are intact.
    client.get(3);
    await client.line("data 3 2 end");
    expect(requests.length).toBe(1);
  },
);

/** What ends the connection, and with which code. */
const FATAL: Readonly<
  Record<
    string,
    readonly [
      number,
      (client: RawPeer) => void,
    ]
  >
> = {
  "another frame before SETTINGS": [1, (client) => client.ping()],
  "an acknowledgement before SETTINGS": [
    1,
    (client) => client.frame(FrameType.settings, Flag.ack, 0),
  ],
  "HEADERS on an even stream": [
    1,
    (client) => (client.settings([]), client.get(2)),
  ],
  "HEADERS on an earlier stream": [
    5,
    (client) => (client.settings([]), client.get(5), client.get(3)),
  ],
  "DATA on an idle stream": [
    1,
    (client) => (client.settings([]), client.body(1, 1, true)),
  ],
  "RST_STREAM on an idle stream": [
    1,
    (client) => (client.settings([]), client.reset(1, 8)),
  ],
  "WINDOW_UPDATE on an idle stream": [
    1,
    (client) => (client.settings([]), client.windowUpdate(1, 1)),
  ],
  "WINDOW_UPDATE of 0": [
    1,
    (client) => (client.settings([]), client.windowUpdate(0, 0)),
  ],
  "a window beyond 31 bits": [
    3,
    (client) => (client.settings([]), client.windowUpdate(0, 0x7fffffff)),
  ],
  "a header block that cannot be decoded": [
    9,
    (
      client,
    ) => (client.settings([]), client.frame(FrameType.headers, END, 1, [0xff])),
  ],
  "CONTINUATION without HEADERS": [
    1,
    (
      client,
    ) => (client.settings([]), client.frame(FrameType.continuation, 4, 1)),
  ],
  "a frame amid a header block": [
    1,
    (
      client,
    ) => (client.settings([]), client.headers(1, HEAD, 0), client.ping()),
  ],
  "PUSH_PROMISE": [
    1,
    (
      client,
    ) => (client.settings([]),
      client.frame(FrameType.pushPromise, 4, 1, [0, 0, 0, 2])),
  ],
  "a frame too large": [
    6,
    (
      client,
    ) => (client.settings([]),
      client.frame(FrameType.ping, 0, 0, new Uint8Array(16_385))),
  ],
  "a PING of another size": [
    6,
    (client) => (client.settings([]), client.frame(FrameType.ping, 0, 0, [1])),
  ],
  "SETTINGS of another size": [
    6,
    (client) => client.frame(FrameType.settings, 0, 0, [1]),
  ],
  "SETTINGS on a stream": [
    1,
    (client) => client.frame(FrameType.settings, 0, 1),
  ],
  "a setting out of its range": [1, (client) => client.settings([2, 2])],
  "a window setting out of its range": [
    3,
    (client) => client.settings([4, 0x80000000]),
  ],
  "padding longer than its frame": [
    1,
    (
      client,
    ) => (client.settings([]),
      client.post(1),
      client.frame(FrameType.data, Flag.padded, 1, [9, 1])),
  ],
};

test.each(Object.keys(FATAL))(
  "%s ends the connection with GOAWAY",
  async (name) => {
    const [code, act] = FATAL[name] ?? [0, () => {}];
    const { client, requests } = startServer();
    client.send(PREFACE);
    act(client);
    expect(await client.line("goaway")).toMatch(new RegExp(` ${code}$`));
    await client.end();
    for (const { reset } of requests) {
      expect(reset).toMatchObject({ origin: "protocol", code });
    }
  },
);
