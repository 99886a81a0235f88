import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import type { FakeRequest } from "../testing/fake-connection.ts";
import {
  type FakeUpstream,
  ForwardBed,
  openHttp1,
  openHttp2,
} from "../testing/forward-bed.ts";
import { bytesOf, requestHead } from "../testing/http1.ts";
import { RecordedResponse } from "../testing/recorded-exchange.ts";
import { type Recorder, turn } from "../testing/recorder.ts";
import type { Limits } from "./terms.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n";
const NONE: Limits = {
  requestMs: null,
  responseMs: null,
  idleMs: null,
  headMs: null,
};
const LIMIT_MS = 50;

let bed: ForwardBed;
let endpoint: FakeUpstream;
let client: Recorder;
let startMs: number;
function open(limits: Partial<Limits>): void {
  bed.terms = { limits: { ...NONE, ...limits }, retry: null };
}
beforeEach(() => {
  bed = new ForwardBed();
  endpoint = bed.add("first");
  client = openHttp1(bed);
  startMs = performance.now();
});
afterEach(() => {
  expect([bed.inFlight.count, endpoint.load.pending]).toEqual([0, 0]);
});

async function sent(): Promise<FakeRequest> {
  while (endpoint.asked.length === 0) await turn();
  const request = endpoint.give();
  if (request === null) throw new Error("the request was not wanted");
  await turn();
  return request;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function answered(): Promise<string> {
  await client.until(() => client.text.includes("\r\n\r\n"));
  return client.text.slice(0, client.text.indexOf("\r\n"));
}

function call(body = false) {
  const response = new RecordedResponse();
  const head = requestHead("POST", "/a.B/C", {
    host: "a",
    "content-type": "application/grpc",
  });
  head.version = "2";
  const stream = openHttp2(bed).request(head, !body, response);
  return { response, stream };
}

describe("a limit of the request", () => {
  test("is answered with 504, and the stream given up", async () => {
    open({ requestMs: LIMIT_MS });
    client.send(GET);
    const request = await sent();
    expect(await answered()).toBe("HTTP/1.1 504 Gateway Timeout");
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThanOrEqual(LIMIT_MS - 1);
    expect(client.text).toContain(
      "l5d-proxy-error: the response was not complete within 50 ms",
    );
    // The client's connection may be used again.
    expect(client.text).not.toContain("connection: close");
    expect(request.cancelled?.message).toBe("a timeout of the route");
    expect(endpoint.outcomes).toEqual(["timeout"]);
    expect(bed.finished[0]).toMatchObject({
      status: 0,
      problem: { code: "timeout.request" },
    });
    expect(bed.problems.map(({ code }) => code)).toEqual(["timeout.request"]);
  });

  test("holds while nobody is ready, and while nothing can be connected", async () => {
    open({ requestMs: LIMIT_MS });
    bed.upstreams = [];
    client.send(GET);
    expect(await answered()).toBe("HTTP/1.1 504 Gateway Timeout");
    expect(bed.waiting.size).toBe(0);
    bed.upstreams = [endpoint];
    client.take();
    client.send(GET);
    expect(await answered()).toBe("HTTP/1.1 504 Gateway Timeout");
    expect(endpoint.give()).toBeNull();
  });

  test("cuts off a response that has begun", async () => {
    open({ requestMs: LIMIT_MS });
    client.send(GET);
    const request = await sent();
    request.answerHead(200);
    request.answerData(bytesOf("half"));
    await client.until(() => client.closed);
    expect(client.text).toContain("half");
    expect(bed.finished[0]).toMatchObject({
      status: 200,
      problem: { code: "timeout.request" },
    });
  });

  test("is told to a gRPC client by status, before the head and after it", async () => {
    open({ requestMs: LIMIT_MS });
    const { response: early } = call();
    await sent();
    while (!early.ended) await turn();
    expect([early.status, early.fields.includes("grpc-status: 4")])
      .toEqual([200, true]);
    const { response: late } = call();
    const request = await sent();
    request.answerHead(200);
    request.answerData(bytesOf("half"));
    while (!late.ended) await turn();
    expect([late.body, late.trailers[0]]).toEqual(["half", "grpc-status: 4"]);
    expect(request.cancelled).not.toBeNull();
    expect(bed.finished[1]).toMatchObject({ grpcStatus: "4" });
  });

  test("is over with the response", async () => {
    open({ requestMs: LIMIT_MS });
    client.send(GET);
    (await sent()).answerHead(204, [], true);
    await answered();
    await wait(LIMIT_MS + 20);
    expect([client.closed, bed.finished.length]).toEqual([false, 1]);
  });
});

describe("a limit of the response", () => {
  test("begins when the request has been sent", async () => {
    open({ responseMs: LIMIT_MS });
    client.send(POST + "12");
    await sent();
    await wait(LIMIT_MS + 20);
    expect(client.text).toBe("");
    client.send("34");
    expect(await answered()).toBe("HTTP/1.1 504 Gateway Timeout");
    expect(bed.finished[0]?.problem?.code).toBe("timeout.response");
  });
});

describe("a limit of the head", () => {
  test("is over with the head", async () => {
    open({ headMs: LIMIT_MS });
    client.send(GET);
    const request = await sent();
    request.answerHead(200, [Field.of("x", "y")]);
    await wait(LIMIT_MS + 20);
    request.answerEnd(null);
    await client.until(() => client.text.endsWith("0\r\n\r\n"));
  });
});

describe("a limit of silence", () => {
  test("is put off by frames of either side", async () => {
    open({ idleMs: LIMIT_MS });
    const { response, stream } = call(true);
    const request = await sent();
    for (let frame = 0; frame < 3; frame++) {
      await wait(LIMIT_MS / 2);
      stream.data(bytesOf("ping"));
      await wait(LIMIT_MS / 2);
      if (frame === 0) request.answerHead(200);
      request.answerData(bytesOf("pong"));
    }
    expect(response.ended).toBeFalse();
    const silentMs = performance.now();
    while (!response.ended) await turn();
    expect(performance.now() - silentMs).toBeGreaterThanOrEqual(LIMIT_MS - 2);
    expect(response.trailers[0]).toBe("grpc-status: 4");
    expect(bed.finished[0]?.problem?.code).toBe("timeout.idle");
  });
});

test("10,000 requests that time out leave nothing behind", async () => {
  open({ requestMs: 5, responseMs: 5, idleMs: 5 });
  bed.inFlight.max = 100;
  const connection = openHttp2(bed);
  const round = async (requests: number) => {
    for (let done = 0; done < requests; done += 100) {
      const responses = Array.from({ length: 100 }, () => {
        const response = new RecordedResponse();
        const head = requestHead("GET", "/", { host: "a" });
        head.version = "2";
        connection.request(head, true, response);
        return response;
      });
      while (!responses.every(({ ended }) => ended)) {
        await turn();
        // Every other one gets its connection, unless it is late.
        endpoint.give();
        endpoint.asked.shift();
      }
      expect(responses.every(({ status }) => status === 504)).toBeTrue();
    }
    for (const list of [bed.finished, bed.problems, bed.endings]) {
      list.length = 0;
    }
    bed.counted.length = endpoint.outcomes.length = 0;
    endpoint.connection.requests.length = 0;
    Bun.gc(true);
    return process.memoryUsage().heapUsed;
  };
  const before = await round(1_000);
  const after = await round(10_000);
  expect([bed.inFlight.count, connection.active]).toEqual([0, 0]);
  // What a request holds is some kilobytes: 10,000 of them tens of megabytes.
  expect(after - before).toBeLessThan(4 * 1024 * 1024);
}, 60_000);
