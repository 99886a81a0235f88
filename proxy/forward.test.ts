import { beforeEach, describe, expect, spyOn, test } from "bun:test";
import { Problem } from "../schemas/problem.ts";
import { UNREACHABLE_RTT_MS } from "./forward/send-again.ts";
import { Field } from "./http/field.ts";
import { ErrorCode } from "./http/message.ts";
import type { FakeRequest } from "./testing/fake-connection.ts";
import {
  type FakeUpstream,
  ForwardBed,
  openHttp1,
  openHttp2,
} from "./testing/forward-bed.ts";
import { bytesOf, requestHead } from "./testing/http1.ts";
import { RecordedResponse } from "./testing/recorded-exchange.ts";
import { type Recorder, textOf, turn } from "./testing/recorder.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n";
const REFUSED = new Problem("connect.failed", "Cannot connect to 10.0.0.1:80");
const NONE_READY = new Problem("failfast", "service a in fail-fast");

let bed: ForwardBed;
let endpoint: FakeUpstream;
let client: Recorder;
beforeEach(() => {
  bed = new ForwardBed();
  endpoint = bed.add("first");
  client = openHttp1(bed);
});

/** The request that an endpoint gets when it gives its connection away. */
async function sent(to = endpoint, reused = false): Promise<FakeRequest> {
  while (to.asked.length === 0) await turn();
  const request = to.give(reused);
  if (request === null) throw new Error("the request was not wanted");
  return request;
}

async function statusLine(): Promise<string> {
  await client.until(() => client.text.includes("\r\n\r\n"));
  return client.text.slice(0, client.text.indexOf("\r\n"));
}

describe("forward()", () => {
  test("carries a request and its response, and counts both once", async () => {
    client.send(POST + "body");
    const request = await sent();
    await turn();
    expect([textOf(request.body), request.ended]).toEqual(["body", true]);
    request.answerHead(200, [Field.of("content-type", "text/plain")]);
    request.answerData(bytesOf("hello"));
    request.answerData(bytesOf("world"));
    request.answerEnd(null);
    expect(await statusLine()).toBe("HTTP/1.1 200 OK");
    expect(bed.totals()).toEqual([1, 1, 1]);
    expect(bed.counted.sort()).toEqual([
      "dispatched",
      "request 4",
      "response 5",
      "response 5",
    ]);
    expect(bed.endings).toMatchObject([{ status: 200, reset: null }]);
    expect([endpoint.load.pending, bed.inFlight.count]).toEqual([0, 0]);
  });

  test("holds a body back until there is somewhere to send it", async () => {
    client.send(POST);
    await turn();
    client.send("body");
    await turn();
    expect(bed.counted).toEqual([]);
    const request = await sent();
    await turn();
    expect(textOf(request.body)).toBe("body");
  });

  test("slows each side down while the other is behind", async () => {
    client.send(POST.replace(": 4", ": 8"));
    const request = await sent();
    request.accepting = false;
    client.send("1234");
    await turn();
    client.send("5678");
    await turn();
    expect(textOf(request.body)).toBe("1234");
    request.drain();
    await turn();
    expect(textOf(request.body)).toBe("12345678");
    client.channel.pause();
    request.answerHead();
    request.answerData(new Uint8Array(100_000));
    await turn();
    request.answerData(new Uint8Array(100_000));
    expect(request.paused).toBeTrue();
    client.channel.resume();
    await turn();
    expect(request.paused).toBeFalse();
  });

  test("waits for an endpoint, and does not hold the wait against it", async () => {
    bed.upstreams = [];
    client.send(GET);
    while (bed.waiting.size === 0) await turn();
    expect(bed.inFlight.count).toBe(1);
    const laterMs = performance.now() + 2_000;
    const clock = spyOn(performance, "now").mockReturnValue(laterMs);
    for (const waiter of bed.waiting) waiter.use(endpoint);
    (await sent()).answerHead(204, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 204 No Content");
    clock.mockRestore();
    expect(endpoint.load.cost(laterMs)).toBeLessThan(30);
  });

  test("answers what no endpoint takes; the endpoints' metrics know nothing of it", async () => {
    bed.upstreams = [];
    client.send(GET);
    while (bed.waiting.size === 0) await turn();
    for (const waiter of bed.waiting) waiter.refuse(NONE_READY);
    expect(await statusLine()).toBe("HTTP/1.1 504 Gateway Timeout");
    expect(client.text).toContain("l5d-proxy-error: service a in fail-fast");
    expect(bed.problems).toEqual([NONE_READY]);
    expect(bed.totals()).toEqual([0, 0, 0]);
    expect(bed.inFlight.count).toBe(0);
  });

  test("sheds what is more than may be in flight", async () => {
    bed.inFlight.count = bed.inFlight.max;
    client.send(GET);
    expect(await statusLine()).toBe("HTTP/1.1 503 Service Unavailable");
    expect(bed.problems[0]?.code).toBe("loadshed");
    expect(bed.inFlight.count).toBe(bed.inFlight.max);
  });

  test("a request that may not go to its endpoint is not counted there", async () => {
    bed.forbids = new Problem("tls.refused", "required id a; found none");
    client.send(GET);
    expect(await statusLine()).toBe("HTTP/1.1 502 Bad Gateway");
    expect([bed.totals(), endpoint.load.pending]).toEqual([[0, 0, 0], 0]);
  });
});

describe("forward() and a client that leaves", () => {
  test("while it waits: withdraws", async () => {
    bed.upstreams = [];
    client.send(GET);
    while (bed.waiting.size === 0) await turn();
    client.channel.destroy();
    await turn();
    expect([bed.waiting.size, bed.inFlight.count]).toEqual([0, 0]);
  });

  test("while its connection is made: wants it no more, counts it once", async () => {
    client.send(GET);
    while (endpoint.asked.length === 0) await turn();
    client.channel.destroy();
    await turn();
    expect(endpoint.give()).toBeNull();
    expect(bed.totals()).toEqual([1, 1, 1]);
    expect([endpoint.load.pending, bed.inFlight.count]).toEqual([0, 0]);
  });

  test("while it is answered: gives the request up, counts it once", async () => {
    client.send(GET);
    const request = await sent();
    request.answerHead();
    client.channel.destroy();
    await turn();
    expect(request.cancelled?.code).toBe(ErrorCode.cancel);
    expect(bed.totals()).toEqual([1, 1, 1]);
    expect(bed.endings[0]?.reset?.origin).toBe("io");
  });
});

describe("forward() and an endpoint that fails", () => {
  test("refuses connections, and there is no other: 502, counted once", async () => {
    client.send(GET);
    while (endpoint.asked.length === 0) await turn();
    endpoint.refuse(REFUSED);
    expect(await statusLine()).toBe("HTTP/1.1 502 Bad Gateway");
    expect([bed.totals(), endpoint.load.pending]).toEqual([[1, 1, 1], 0]);
  });

  test("refuses connections: another gets the request, body and all", async () => {
    const other = bed.add("second");
    client.send(POST + "body");
    while (endpoint.asked.length === 0) await turn();
    endpoint.refuse(REFUSED);
    expect(endpoint.load.cost(performance.now()))
      .toBeCloseTo(UNREACHABLE_RTT_MS, -1);
    const request = await sent(other);
    await turn();
    expect([textOf(request.body), request.ended]).toEqual(["body", true]);
    request.answerHead(200, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 200 OK");
    expect(bed.totals()).toEqual([1, 1, 1]);
    expect([endpoint.load.pending, other.load.pending]).toEqual([0, 0]);
  });

  test("goes away before it is used: waits for the next one", async () => {
    client.send(GET);
    while (endpoint.asked.length === 0) await turn();
    bed.upstreams = [];
    endpoint.refuse(REFUSED);
    expect(bed.waiting.size).toBe(1);
    client.channel.destroy();
  });

  test("gives up after two others", async () => {
    const others = [bed.add("second"), bed.add("third"), bed.add("fourth")];
    client.send(GET);
    for (const refusing of [endpoint, others[0], others[1]]) {
      while (refusing?.asked.length === 0) await turn();
      refusing?.refuse(REFUSED);
    }
    expect(await statusLine()).toBe("HTTP/1.1 502 Bad Gateway");
    expect(others[2]?.asked).toEqual([]);
  });

  test.each([
    ["GET", true, true],
    ["DELETE", true, true],
    ["POST", true, false],
    ["GET", false, true],
    ["POST", false, false],
  ])(
    "cuts a %s off, connection reused: %p, sent again: %p",
    async (method, reused, again) => {
      client.send(GET.replace("GET", method));
      (await sent(endpoint, reused)).fail(ErrorCode.cancel, "io");
      if (again) {
        expect(endpoint.asked[0]?.fresh).toBeTrue();
        (await sent()).answerHead(200, [], true);
      }
      expect(await statusLine())
        .toBe(`HTTP/1.1 ${again ? "200 OK" : "502 Bad Gateway"}`);
      expect(bed.totals()).toEqual([1, 1, 1]);
    },
  );

  test("cuts a GET off twice, each time on a new connection: 502", async () => {
    client.send(GET);
    for (const _ of [1, 2]) (await sent()).fail(ErrorCode.cancel, "io");
    expect(await statusLine()).toBe("HTTP/1.1 502 Bad Gateway");
    expect(endpoint.asked).toEqual([]);
  });

  test("has not looked at it (GOAWAY, REFUSED_STREAM): even a POST goes again", async () => {
    client.send(POST);
    (await sent()).fail(ErrorCode.refusedStream, "peer");
    const request = await sent();
    client.send("body");
    await turn();
    expect([textOf(request.body), request.ended]).toEqual(["body", true]);
  });

  test("has some of the body: never sent twice", async () => {
    client.send(POST);
    const request = await sent(endpoint, true);
    client.send("bo");
    await turn();
    request.fail(ErrorCode.refusedStream, "peer");
    expect(await statusLine()).toBe("HTTP/1.1 502 Bad Gateway");
    expect(endpoint.asked).toEqual([]);
  });

  test("breaks its response off: so is the client's", async () => {
    client.send(GET);
    const request = await sent();
    request.answerHead(200, [Field.of("x", "y")]);
    request.answerData(bytesOf("half"));
    await client.until(() => client.text.includes("half"));
    request.fail(ErrorCode.cancel, "io");
    await client.until(() => client.closed);
    expect(client.text).not.toContain("\r\n0\r\n");
    expect(bed.totals()).toEqual([1, 1, 1]);
  });
});

describe("forward() and an answer that comes before the end of the request", () => {
  test("tells the upstream that the rest will not come", async () => {
    client.send(POST + "bo");
    const request = await sent();
    await turn();
    request.answerHead(413, [], true);
    expect(await statusLine()).toStartWith("HTTP/1.1 413");
    expect(request.cancelled?.code).toBe(ErrorCode.cancel);
    expect(bed.totals()).toEqual([1, 1, 1]);
  });

  test("lets an HTTP/2 client finish what it sends, however long", async () => {
    const connection = openHttp2(bed);
    const head = requestHead("POST", "/", { authority: "a" }, "2");
    const response = new RecordedResponse();
    const stream = connection.request(head, false, response);
    bed.forbids = new Problem("tls.refused", "required id a; found none");
    while (!response.ended) await turn();
    expect(response.status).toBe(502);
    // More than a stream's window.
    for (let piece = 0; piece < 20; piece++) {
      stream.data(new Uint8Array(10_000));
      await turn();
    }
    stream.end([]);
    await turn();
    expect(connection.active).toBe(0);
    expect(bed.counted).toEqual([]);
  });
});

describe("forward() between HTTP/2 peers", () => {
  test("passes a reset of the peer on with its code", async () => {
    const connection = openHttp2(bed);
    const head = requestHead("GET", "/", { authority: "a" }, "2");
    const response = new RecordedResponse();
    connection.request(head, true, response);
    (await sent()).fail(ErrorCode.enhanceYourCalm, "peer");
    while (response.reset === null) await turn();
    expect(response.reset.code).toBe(ErrorCode.enhanceYourCalm);
    expect(bed.totals()).toEqual([1, 1, 1]);
  });

  test("answers a lost connection with 502, gRPC with its own status", async () => {
    const connection = openHttp2(bed);
    const ask = async (fields: Record<string, string>) => {
      const head = requestHead("POST", "/", { authority: "a", ...fields }, "2");
      const response = new RecordedResponse();
      connection.request(head, true, response);
      (await sent()).fail(ErrorCode.internalError, "io");
      while (!response.ended) await turn();
      return response;
    };
    expect((await ask({})).status).toBe(502);
    const grpc = await ask({ "content-type": "application/grpc" });
    expect(grpc.status).toBe(200);
    expect(grpc.fields).toContain("grpc-status: 14");
    expect(connection.ready).toBeTrue();
  });

  test("tells a gRPC ending by its trailers", async () => {
    const connection = openHttp2(bed);
    const head = requestHead("POST", "/", {
      authority: "a",
      "content-type": "application/grpc",
    }, "2");
    const response = new RecordedResponse();
    connection.request(head, true, response);
    const request = await sent();
    request.answerHead();
    request.answerMessage(bytesOf("x"));
    request.answerEnd(5, "not found");
    while (!response.ended) await turn();
    expect(response.trailers).toContain("grpc-status: 5");
    expect(bed.endings).toMatchObject([{ status: 200, grpcStatus: "5" }]);
  });
});
