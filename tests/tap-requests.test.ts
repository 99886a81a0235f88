import { beforeEach, describe, expect, test } from "bun:test";
import { Field } from "../proxy/http/field.ts";
import { ErrorCode, NO_TRAILERS } from "../proxy/http/message.ts";
import { UNSENT_MARK } from "../proxy/http/unsent.ts";
import type { Match } from "../proxy/tap/match.ts";
import { MAX_TAPS, Taps } from "../proxy/tap/taps.ts";
import type { FakeRequest } from "../proxy/testing/fake-connection.ts";
import {
  type FakeUpstream,
  ForwardBed,
  openHttp1,
  openHttp2,
} from "../proxy/testing/forward-bed.ts";
import { bytesOf, requestHead } from "../proxy/testing/http1.ts";
import { RecordedResponse } from "../proxy/testing/recorded-exchange.ts";
import { type Recorder, turn } from "../proxy/testing/recorder.ts";
import { Problem } from "../schemas/problem.ts";
import { Seen } from "./testing/tapped.ts";

const GET = "GET /a?b=c HTTP/1.1\r\nhost: web:80\r\n\r\n";
const UNREACHABLE = new Problem("connect.failed", "nobody is there");

let bed: ForwardBed;
let taps: Taps;
let endpoint: FakeUpstream;
let client: Recorder;
beforeEach(() => {
  // At once.
  taps = new Taps(0);
  bed = new ForwardBed();
  bed.sight = {
    taps,
    direction: "outbound",
    source: { ip: "10.0.0.7", port: 4_000 },
    tls: { kind: "none", reason: "loopback" },
  };
  endpoint = bed.add("first");
  client = openHttp1(bed);
});

/** The request that an endpoint gets when it gives its connection away. */
async function sent(to = endpoint): Promise<FakeRequest> {
  while (to.asked.length === 0) await turn();
  const request = to.give();
  if (request === null) throw new Error("the request was not wanted");
  return request;
}

/** A request that is answered in full. */
async function exchange(): Promise<void> {
  client.send(GET);
  (await sent()).answerHead(204, [], true);
  await turn();
}

function openGrpc(path = Field.of(":path", "/shop.Shop/Buy")): void {
  const head = requestHead("POST", "/", { host: "web" });
  head.path = path;
  head.version = "2";
  head.scheme = Field.of(":scheme", "http");
  head.authority = Field.of(":authority", "web");
  head.host = null;
  head.fields.push(Field.of("content-type", "application/grpc"));
  openHttp2(bed).request(head, false, new RecordedResponse()).end(NO_TRAILERS);
}

describe("a tapped request", () => {
  test("is shown at its beginning, that of its response, and its end", async () => {
    const seen = new Seen(taps);
    client.send(GET);
    const request = await sent();
    request.answerHead(200);
    request.answerData(bytesOf("hello"));
    request.answerData(bytesOf("world"));
    request.answerEnd(null);
    expect(seen.lines).toEqual([
      "0 requestInit web:80/a",
      "0 responseInit 200",
      "0 responseEnd 10",
    ]);
    const [init, , end] = seen.events;
    expect(init?.event.value?.event.value?.$typeName).toEndWith("RequestInit");
    expect(end?.sourceMeta?.labels).toEqual({ tls: "loopback" });
  });

  test("shows gRPC's status, of trailers or of a head alone", async () => {
    const seen = new Seen(taps);
    openGrpc();
    const request = await sent();
    request.answerHead(200);
    request.answerEnd(5);
    openGrpc();
    const other = await sent();
    other.answerHead(200, [Field.of("grpc-status", "0")], true);
    expect(seen.lines.filter((line) => line.includes("responseEnd"))).toEqual([
      "0 responseEnd 0 grpcStatusCode 5",
      "1 responseEnd 0 grpcStatusCode 0",
    ]);
  });

  test("shows fields and trailers when they are asked for, octet for octet", async () => {
    const plain = new Seen(taps);
    const seen = new Seen(taps, { fields: true });
    client.send("GET / HTTP/1.1\r\nhost: web\r\nx-odd: a\tb\xff\xfe\r\n\r\n");
    const request = await sent();
    request.answerHead(200, [Field.of("x-b", "1")]);
    request.answerEnd(7);
    const fieldsOf = ({ events }: Seen) =>
      events.map((event) => {
        const value = event.event.value?.event.value;
        const fields = value === undefined
          ? undefined
          : "headers" in value
          ? value.headers
          : "trailers" in value
          ? value.trailers
          : undefined;
        return fields?.headers.map(({ name, value }) =>
          `${name}: ${Buffer.from(value).toString("latin1")}`
        );
      });
    expect(fieldsOf(seen)).toEqual([
      ["host: web", "x-odd: a\tb\xff\xfe"],
      [":status: 200", "x-b: 1"],
      ["grpc-status: 7", "grpc-message: "],
    ]);
    expect(fieldsOf(plain)).toEqual([undefined, undefined, undefined]);
  });

  test("is bounded in bytes: fields are whole or left out, a path is cut", async () => {
    const seen = new Seen(taps, { fields: true });
    const path = `/${"p".repeat(10_000)}`;
    const long = "v".repeat(9_000);
    client.send(
      `GET ${path} HTTP/1.1\r\nhost: web\r\nx-long: ${long}\r\nx-a: 1\r\n\r\n`,
    );
    (await sent()).answerHead(204, [], true);
    client.send(`GET /${"q".repeat(30_000)} HTTP/1.1\r\nhost: web\r\n\r\n`);
    (await sent()).answerHead(204, [], true);
    const inits = seen.events.flatMap(({ event }) => {
      const moment = event.value?.event;
      return moment?.case === "requestInit" ? [moment.value] : [];
    });
    expect(inits[0]?.path).toBe(path);
    expect(inits[0]?.headers?.headers.map(({ name }) => name))
      .toEqual(["host", "x-a"]);
    expect(inits[1]?.path).toHaveLength(12_288);
  });

  test("has replacement marks in its path where that is no text", async () => {
    const seen = new Seen(taps);
    const octets = Uint8Array.of(0x2f, 0xff, 0xc3, 0xa9);
    const { name } = Field.of(":path", "/");
    openGrpc(new Field(name, octets));
    (await sent()).answerHead(204, [], true);
    expect(seen.lines[0]).toBe("0 requestInit web/\ufffd\u00e9");
  });

  test("shows an endpoint that cannot be reached as it is answered for", async () => {
    const seen = new Seen(taps);
    client.send(GET);
    while (endpoint.asked.length === 0) await turn();
    endpoint.refuse(UNREACHABLE);
    expect(seen.lines).toEqual([
      "0 requestInit web:80/a",
      "0 responseInit 502",
      "0 responseEnd 0",
    ]);
  });

  test("shows a connection that is lost", async () => {
    const seen = new Seen(taps);
    client.send("POST /a HTTP/1.1\r\nhost: web\r\ncontent-length: 2\r\n\r\nok");
    (await sent()).fail(ErrorCode.cancel, "io");
    client = openHttp1(bed);
    client.send(GET);
    const begun = await sent();
    begun.answerHead(200);
    begun.fail(ErrorCode.internalError, "peer");
    expect(seen.lines.slice(1)).toEqual([
      "0 responseInit 502",
      "0 responseEnd 0",
      "1 requestInit web:80/a",
      "1 responseInit 200",
      "1 responseEnd 0 resetErrorCode 2",
    ]);
  });

  test("is shown for each attempt, at the endpoint that got it", async () => {
    const seen = new Seen(taps);
    bed.terms = {
      limits: null,
      retry: {
        limit: 1,
        maxBodyBytes: 100,
        timeoutMs: null,
        backOff: null,
        wants: (status) => status >= 500,
        permits: null,
      },
    };
    bed.passage.labels = { route: "buy" };
    client.send(GET);
    (await sent()).answerHead(503, [], true);
    (await sent()).answerHead(204, [], true);
    expect(seen.lines).toEqual([
      "0 requestInit web:80/a",
      "0 responseInit 503",
      "0 responseEnd 0",
      "1 requestInit web:80/a",
      "1 responseInit 204",
      "1 responseEnd 0",
    ]);
    expect(seen.events[3]?.routeMeta?.labels).toEqual({ route: "buy" });
  });

  test("ends when its client gives up, whether it had been sent or not", async () => {
    const seen = new Seen(taps, { limit: 2 });
    client.send(GET);
    await sent();
    client.channel.destroy();
    client = openHttp1(bed);
    client.send(GET);
    while (endpoint.asked.length === 0) await turn();
    client.channel.destroy();
    while (!seen.over) await turn();
    expect(seen.lines.filter((line) => line.includes("End"))).toEqual([
      "0 responseEnd 0 resetErrorCode 8",
      "1 responseEnd 0",
    ]);
  });

  test("ends at the endpoint that has not passed it on, and goes on at another", async () => {
    const seen = new Seen(taps);
    const second = bed.add("second");
    endpoint.endpoint = {
      identity: { id: "a", kind: "dns", serverName: "a" },
    };
    client.send(GET);
    (await sent()).answerHead(503, [UNSENT_MARK], true);
    (await sent(second)).answerHead(204, [], true);
    expect(seen.lines.filter((line) => line.includes("response"))).toEqual([
      "0 responseInit 503",
      "0 responseEnd 0",
      "1 responseInit 204",
      "1 responseEnd 0",
    ]);
  });

  test("shows a time-out as its client is told of it", async () => {
    const seen = new Seen(taps);
    bed.terms = {
      limits: { requestMs: 20, responseMs: null, idleMs: null, headMs: null },
      retry: null,
    };
    client.send(GET);
    await sent();
    await client.until(() => client.text.includes("504"));
    expect(seen.lines.slice(1)).toEqual([
      "0 responseInit 504",
      "0 responseEnd 0",
    ]);
  });
});

describe("a tap", () => {
  test("shows so many requests and no more, and is over when they are", async () => {
    const seen = new Seen(taps, { limit: 2 });
    client.send(GET);
    const first = await sent();
    expect(taps.wanting).toHaveLength(1);
    const other = openHttp1(bed);
    other.send(GET);
    const second = await sent();
    expect(taps.wanting).toHaveLength(0);
    first.answerHead(204, [], true);
    await exchange();
    expect(seen.over).toBeFalse();
    second.answerHead(204, [], true);
    expect(seen.over).toBeTrue();
    expect(seen.lines).toHaveLength(6);
  });

  test("shows what it is for, and each of several what it is for", async () => {
    const watch = (match: Match) => new Seen(taps, { match });
    const path = (value: string) =>
      watch({ kind: "path", how: "prefix", value });
    const [mine, others] = [path("/a"), path("/b")];
    const method = watch({ kind: "method", value: "GET" });
    const not = watch({
      kind: "not",
      match: { kind: "scheme", value: "http" },
    });
    bed.passage.labels = { route: "r" };
    endpoint.peer = { ...endpoint.peer, labels: { namespace: "shop" } };
    const label = (of: "destination" | "route", name: string, value: string) =>
      watch({ kind: "label", of, name, value });
    const labelled = [
      label("route", "route", "r"),
      label("destination", "namespace", "shop"),
    ];
    const unlabelled = [
      label("route", "route", "s"),
      label("destination", "toString", "r"),
    ];
    const network = (of: "source" | "destination", base: number[]) =>
      watch({
        kind: "network",
        of,
        network: { base: Uint8Array.from(base), prefixBits: 24 },
      });
    const near = network("source", [10, 0, 0, 0]);
    const far = network("destination", [10, 0, 1, 0]);
    const ports = watch({
      kind: "ports",
      of: "destination",
      first: 80,
      last: 90,
    });
    await exchange();
    const shown = [mine, method, ...labelled, near, ports];
    const hidden = [others, not, ...unlabelled, far];
    expect(shown.map(({ lines }) => lines.length)).toEqual(shown.map(() => 3));
    expect(hidden.map(({ lines }) => lines.length)).toEqual(
      hidden.map(() => 0),
    );
  });

  test("drops what a slow reader does not take, counts it, and goes on", async () => {
    const seen = new Seen(taps, { limit: 1_000 });
    seen.reading = false;
    for (let round = 0; round < 150; round++) await exchange();
    expect(seen.events).toHaveLength(1);
    // 401 events of 450 found room; a request whose beginning was dropped is not followed.
    expect(seen.tap.dropped).toBeGreaterThan(0);
    seen.reading = true;
    seen.tap.resume();
    expect(seen.events).toHaveLength(401);
    await exchange();
    expect(seen.lines.slice(-3)).toEqual([
      "150 requestInit web:80/a",
      "150 responseInit 204",
      "150 responseEnd 0",
    ]);
  });

  test("holds to half a mebibyte of what waits, whatever events are like", async () => {
    const seen = new Seen(taps, { limit: 1_000, fields: true });
    seen.reading = false;
    const field = `x-long: ${"v".repeat(10_000)}\r\n`;
    for (let round = 0; round < 120; round++) {
      client.send(GET.replace("\r\n\r\n", `\r\n${field}\r\n`));
      (await sent()).answerHead(204, [], true);
      await turn();
    }
    expect(seen.tap.dropped).toBeGreaterThan(0);
    seen.reading = true;
    seen.tap.resume();
    const inits = seen.lines.filter((line) => line.includes("requestInit"));
    expect(inits.length).toBeWithin(45, 54);
  });

  test("gathers events for a moment, unless there are many", async () => {
    const gathered = new Taps(60_000);
    if (bed.sight !== null) bed.sight = { ...bed.sight, taps: gathered };
    const seen = new Seen(gathered, { limit: 30 });
    for (let round = 0; round < 19; round++) await exchange();
    expect(seen.events).toHaveLength(0);
    await exchange();
    expect(seen.events).toHaveLength(60);
    for (let round = 0; round < 10; round++) await exchange();
    // Nothing is waited for at the end.
    expect([seen.events.length, seen.over]).toEqual([90, true]);
  });

  test("that has ended is told nothing, and its requests go on", async () => {
    const seen = new Seen(taps);
    client.send(GET);
    const request = await sent();
    taps.close(seen.tap);
    request.answerHead(204, [], true);
    await client.until(() => client.text.includes("204"));
    expect([seen.lines.length, taps.wanting.length, seen.over])
      .toEqual([1, 0, false]);
  });

  test("is refused beyond a number of them", () => {
    const all = Array.from({ length: MAX_TAPS }, () => new Seen(taps));
    expect(() => new Seen(taps)).toThrow("too many taps");
    taps.close((all[0] as Seen).tap);
    expect(new Seen(taps).tap.wantsMore).toBeTrue();
  });
});
