import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import { Field } from "../http/field.ts";
import { ErrorCode } from "../http/message.ts";
import type { FakeRequest } from "../testing/fake-connection.ts";
import {
  type FakeUpstream,
  ForwardBed,
  openHttp1,
  openHttp2,
} from "../testing/forward-bed.ts";
import { bytesOf, requestHead } from "../testing/http1.ts";
import { RecordedResponse } from "../testing/recorded-exchange.ts";
import { type Recorder, textOf, turn } from "../testing/recorder.ts";
import type { RetryTerms } from "./terms.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const post = (body: string) =>
  `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/** Twice more after a 5xx, or gRPC 14, at once. */
const TWICE: RetryTerms = {
  limit: 2,
  maxBodyBytes: 8,
  timeoutMs: null,
  backOff: null,
  permits: null,
  wants: (status, grpcStatus) => status >= 500 || grpcStatus === "14",
};

let bed: ForwardBed;
let endpoint: FakeUpstream;
let client: Recorder;
function open(retry: Partial<RetryTerms> = {}): void {
  bed = new ForwardBed();
  bed.terms = { limits: null, retry: { ...TWICE, ...retry } };
  endpoint = bed.add("first");
  client = openHttp1(bed);
}
beforeEach(() => open());
afterEach(() => expect(bed.inFlight.count).toBe(0));

async function sent(): Promise<FakeRequest> {
  while (endpoint.asked.length === 0) await turn();
  const request = endpoint.give();
  if (request === null) throw new Error("the request was not wanted");
  await turn();
  return request;
}

async function statusLine(): Promise<string> {
  await client.until(() => client.text.includes("\r\n\r\n"));
  return client.text.slice(0, client.text.indexOf("\r\n"));
}

const retried = () => bed.counted.filter((one) => one.startsWith("retry"));

describe("a request that failed as its route says", () => {
  test("is sent again, and each attempt counts at its endpoint", async () => {
    client.send(GET);
    (await sent()).answerHead(503, [], true);
    (await sent()).answerHead(500, [], true);
    (await sent()).answerHead(204, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 204 No Content");
    expect(bed.totals()).toEqual([3, 3, 3]);
    expect(endpoint.outcomes).toEqual([503, 500, 204]);
    expect(bed.endings.map(({ status }) => status)).toEqual([503, 500, 204]);
    expect(bed.finished.map(({ status }) => status)).toEqual([204]);
    expect(retried()).toEqual([
      "retry request",
      "retry request",
      "retry success",
    ]);
    expect(endpoint.load.pending).toBe(0);
  });

  test("is sent no more often than it may be; the last answer is passed on", async () => {
    client.send(GET);
    for (let attempt = 0; attempt < 3; attempt++) {
      (await sent()).answerHead(500 + attempt, [], true);
    }
    expect(await statusLine()).toStartWith("HTTP/1.1 502 ");
    expect(retried()).toEqual([
      "retry request",
      "retry request",
      "retry limit",
    ]);
  });

  test("does not hold the time between attempts against an endpoint", async () => {
    const waitMs = 1_000;
    open({ backOff: { minMs: waitMs, maxMs: waitMs, jitter: 0 } });
    client.send(GET);
    (await sent()).answerHead(503, [], true);
    (await sent()).answerHead(204, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 204 No Content");
    expect(endpoint.load.cost(performance.now())).toBeLessThan(0.9 * waitMs);
  });

  test("is not sent again for another status", async () => {
    client.send(GET);
    (await sent()).answerHead(404, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 404 Not Found");
    expect(retried()).toEqual([]);
  });

  test("is sent again with its body, and what the failed attempt said is dropped", async () => {
    client.send(post("12345678"));
    const first = await sent();
    first.answerHead(503);
    first.answerData(bytesOf("sorry"));
    const second = await sent();
    first.answerData(bytesOf("sorry again"));
    first.answerEnd(null);
    expect([textOf(second.body), second.ended]).toEqual(["12345678", true]);
    second.answerHead(200, [Field.of("content-length", "2")]);
    second.answerData(bytesOf("ok"));
    second.answerEnd(null);
    await client.until(() => client.text.includes("ok\r\n"));
    expect(client.text).not.toContain("sorry");
    expect(first.cancelled).toBeNull();
  });

  test("gives up an answer that goes on and on", async () => {
    client.send(GET);
    const first = await sent();
    first.answerHead(503);
    const second = await sent();
    first.answerData(new Uint8Array(70_000));
    expect(first.cancelled).not.toBeNull();
    second.answerHead(204, [], true);
    await statusLine();
  });

  test.each(["123456789", "1234567890"])(
    "with a longer body is sent once, whole: %p",
    async (body) => {
      client.send(post(body));
      const request = await sent();
      request.answerHead(503, [], true);
      expect(await statusLine()).toBe("HTTP/1.1 503 Service Unavailable");
      expect([textOf(request.body), endpoint.asked.length, retried()])
        .toEqual([body, 0, []]);
    },
  );

  test("with a body that turns out to be too long is sent once", async () => {
    const chunked = GET.replace(
      "\r\n\r\n",
      "\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    client.send(`${chunked}5\r\n12345\r\n`);
    const request = await sent();
    client.send("5\r\n67890\r\n0\r\n\r\n");
    await turn();
    request.answerHead(503, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 503 Service Unavailable");
    expect(textOf(request.body)).toBe("1234567890");
    expect(retried()).toEqual([]);
  });

  test("is not sent again when it was answered before it was complete", async () => {
    client.send(post("1234").slice(0, -2));
    (await sent()).answerHead(503, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 503 Service Unavailable");
    expect(retried()).toEqual([]);
  });

  test("is not sent again when nobody can take it at once", async () => {
    client.send(GET);
    const request = await sent();
    bed.lane.ready = false;
    request.answerHead(503, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 503 Service Unavailable");
    expect(retried()).toEqual(["retry overflow"]);
    bed.lane.ready = true;
  });

  test("is not sent again when a budget does not permit it", async () => {
    let budget = 1;
    open({ permits: () => budget-- > 0 });
    client.send(GET);
    (await sent()).answerHead(503, [], true);
    (await sent()).answerHead(503, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 503 Service Unavailable");
    expect(retried()).toEqual(["retry request", "retry budget"]);
  });

  test("waits before it is sent again", async () => {
    open({ backOff: { minMs: 30, maxMs: 1_000, jitter: 0 } });
    client.send(GET);
    const first = await sent();
    const startMs = performance.now();
    first.answerHead(503, [], true);
    const second = await sent();
    const firstMs = performance.now() - startMs;
    second.answerHead(503, [], true);
    (await sent()).answerHead(204, [], true);
    expect(firstMs).toBeGreaterThanOrEqual(29);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(88);
    await statusLine();
  });

  test("whose client leaves while it waits is not sent again", async () => {
    open({ backOff: { minMs: 5, maxMs: 5, jitter: 0 } });
    client.send(GET);
    (await sent()).answerHead(503, [], true);
    client.channel.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(endpoint.asked).toEqual([]);
  });

  test("takes the way of the policy that is then in force", async () => {
    client.send(GET);
    const first = await sent();
    const other = new ForwardBed();
    const elsewhere = other.add("elsewhere");
    bed.lane.closed = true;
    bed.way = other.way;
    first.answerHead(503, [], true);
    while (elsewhere.asked.length === 0) await turn();
    elsewhere.give()?.answerHead(204, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 204 No Content");
  });
});

describe("a request that came to nobody", () => {
  test("is sent again when the answer in its place would be", async () => {
    client.send(GET);
    while (endpoint.asked.length === 0) await turn();
    endpoint.refuse(new Problem("connect.failed", "refused"));
    (await sent()).answerHead(204, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 204 No Content");
    expect(endpoint.outcomes).toEqual(["unsent", 204]);
  });

  test("is sent again after fail-fast, not after load was shed", async () => {
    bed.upstreams = [];
    const answers: string[] = [];
    for (const code of ["failfast", "loadshed"] as const) {
      const one = openHttp1(bed);
      one.send(GET);
      while (bed.waiting.size === 0) await turn();
      const [waiter] = bed.waiting;
      if (waiter === undefined) throw new Error("nobody waits");
      bed.waiting.clear();
      bed.upstreams = code === "failfast" ? [endpoint] : [];
      waiter.refuse(new Problem(code, "none"));
      if (code === "failfast") (await sent()).answerHead(204, [], true);
      await one.until(() => one.text.includes("\r\n"));
      answers.push(one.text.slice(9, 12));
      bed.upstreams = [];
    }
    expect(answers).toEqual(["204", "503"]);
  });
});

describe("an attempt that takes too long", () => {
  test("is given up for another; the last may take its time", async () => {
    open({ limit: 1, timeoutMs: 20 });
    client.send(GET);
    const first = await sent();
    const second = await sent();
    expect(first.cancelled?.origin).toBe("local");
    await new Promise((resolve) => setTimeout(resolve, 40));
    second.answerHead(204, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 204 No Content");
    expect(endpoint.outcomes).toEqual(["timeout", 204]);
    expect(bed.endings[0]?.problem?.code).toBe("timeout.attempt");
  });
});

describe("a gRPC call", () => {
  const HEAD = {
    version: "2",
    "content-type": "application/grpc",
  };
  const call = () => {
    const response = new RecordedResponse();
    const head = requestHead("POST", "/a.B/C", { host: "a", ...HEAD });
    head.version = "2";
    const stream = openHttp2(bed).request(head, true, response);
    return { response, stream };
  };
  const status = (code: number) => Field.of("grpc-status", String(code));

  test("is sent again by the status in the head, or in trailers at once", async () => {
    const { response } = call();
    (await sent()).answerHead(200, [status(14)], true);
    const second = await sent();
    second.answerHead(200);
    await turn();
    expect(response.head).toBeNull();
    second.answerEnd(14);
    const third = await sent();
    third.answerHead(200);
    third.answerData(bytesOf("hello"));
    third.answerEnd(0);
    while (!response.ended) await turn();
    expect([response.body, response.trailers[0]])
      .toEqual(["hello", "grpc-status: 0"]);
    expect(bed.endings.map(({ grpcStatus }) => grpcStatus))
      .toEqual(["14", "14", "0"]);
  });

  test("is sent again by trailers directly behind the first frame", async () => {
    const { response } = call();
    const first = await sent();
    first.answerHead(200);
    first.answerData(bytesOf("half"));
    first.answerEnd(14);
    const second = await sent();
    second.answerHead(200);
    second.answerData(bytesOf("whole"));
    await turn();
    await turn();
    // Nothing came behind it: it is a stream, and goes on as it comes.
    expect(response.body).toBe("whole");
    second.answerEnd(14);
    while (!response.ended) await turn();
    expect(response.trailers[0]).toBe("grpc-status: 14");
    expect(retried()).toEqual(["retry request"]);
  });

  test("that nobody has looked at is sent again", async () => {
    const { response } = call();
    for (let attempt = 0; attempt < 4; attempt++) {
      (await sent()).fail(ErrorCode.refusedStream, "peer");
    }
    (await sent()).answerHead(200, [status(0)], true);
    while (!response.ended) await turn();
    expect(response.status).toBe(200);
  });
});
