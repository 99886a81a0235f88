import { beforeEach, describe, expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import { forward } from "../forward.ts";
import { ErrorCode } from "../http/message.ts";
import { serveHttp1 } from "../http1/server.ts";
import type { FakeRequest } from "../testing/fake-connection.ts";
import { type FakeUpstream, ForwardBed } from "../testing/forward-bed.ts";
import { createMemoryChannels } from "../testing/memory-channel.ts";
import { Recorder, turn } from "../testing/recorder.ts";
import { keepSpans, type KeptSpans, nthId } from "./testing/spans.ts";
import { traceRequests } from "./trace-requests.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";
const parent = (spanId: string, flags = "01") =>
  `00-${TRACE}-${spanId}-${flags}`;
const get = (field: string) =>
  `GET /a?b HTTP/1.1\r\nhost: web\r\n${field}\r\n\r\n`;
const SAMPLED = get(`traceparent: ${parent(CALLER)}`);

let bed: ForwardBed;
let endpoint: FakeUpstream;
let kept: KeptSpans;
let client: Recorder;
function open(tracing: KeptSpans | undefined): void {
  const [near, far] = createMemoryChannels();
  const serve = traceRequests(
    tracing,
    "outbound",
    (exchange) => forward(exchange, bed),
  );
  serveHttp1(far, {}, serve);
  client = new Recorder(near);
}
beforeEach(() => {
  bed = new ForwardBed();
  endpoint = bed.add("first");
  kept = keepSpans();
  open(kept);
});

async function sent(): Promise<FakeRequest> {
  while (endpoint.asked.length === 0) await turn();
  const request = endpoint.give();
  if (request === null) throw new Error("the request was not wanted");
  await turn();
  return request;
}

function fieldOf(request: FakeRequest, name: string): string | undefined {
  return request.head.fields.find((field) => field.name.text === name)?.text;
}

const answered = () => client.until(() => client.text.includes("\r\n\r\n"));

/** Of each span that has ended: kind, id, parent, and how it went; the last ends before the response is sent, or after. */
const told = () =>
  kept.spans.map(({ kind, spanId, parentId, attributes, failed }) => [
    kind,
    spanId,
    parentId,
    new Map(attributes).get("http.response.status_code"),
    failed,
  ]).toSorted();

describe("a request of a sampled trace", () => {
  test("has a span for its coming and one for its being sent, one below the other", async () => {
    client.send(SAMPLED);
    const request = await sent();
    expect(fieldOf(request, "traceparent")).toBe(parent(nthId(2)));
    request.answerHead(200, [], true);
    await answered();
    expect(told()).toEqual([
      ["client", nthId(2), nthId(1), 200, false],
      ["server", nthId(1), CALLER, 200, false],
    ]);
    for (const span of kept.spans) {
      expect(span).toMatchObject({ traceId: TRACE, name: "/a" });
      expect(span.endMs).toBeGreaterThan(span.startMs);
    }
  });

  test("has another for each attempt", async () => {
    bed.terms = {
      limits: null,
      retry: {
        limit: 1,
        maxBodyBytes: 8,
        timeoutMs: null,
        backOff: null,
        permits: null,
        wants: (status) => status >= 500,
      },
    };
    client.send(SAMPLED);
    (await sent()).answerHead(503, [], true);
    const second = await sent();
    expect(fieldOf(second, "traceparent")).toBe(parent(nthId(3)));
    second.answerHead(204, [], true);
    await answered();
    expect(told()).toEqual([
      ["client", nthId(2), nthId(1), 503, true],
      ["client", nthId(3), nthId(1), 204, false],
      ["server", nthId(1), CALLER, 204, false],
    ]);
  });

  test("ends when the response does, well or badly", async () => {
    client.send(SAMPLED);
    const request = await sent();
    request.answerHead(200);
    request.answerData(new TextEncoder().encode("half"));
    await turn();
    expect(kept.spans).toEqual([]);
    request.fail(ErrorCode.cancel, "io");
    await client.until(() => kept.spans.length === 2);
    expect(told()).toEqual([
      ["client", nthId(2), nthId(1), 200, true],
      ["server", nthId(1), CALLER, 200, true],
    ]);
  });

  test("that gets no connection has an attempt that failed, and our answer", async () => {
    client.send(SAMPLED);
    while (endpoint.asked.length === 0) await turn();
    endpoint.refuse(new Problem("connect.timeout", "nobody there"));
    await answered();
    expect(told()).toEqual([
      ["client", nthId(2), nthId(1), 504, true],
      ["server", nthId(1), CALLER, 504, true],
    ]);
  });

  test("that finds no route has an answer, and no attempt", async () => {
    bed.way = new Problem("route.missing", "no route");
    client.send(SAMPLED);
    await answered();
    // 404 is the client's fault.
    expect(told()).toEqual([["server", nthId(1), CALLER, 404, false]]);
  });

  test("whose client leaves has failed", async () => {
    client.send(SAMPLED);
    await sent();
    client.channel.destroy();
    await client.until(() => kept.spans.length === 2);
    expect(told()).toEqual([
      ["client", nthId(2), nthId(1), undefined, true],
      ["server", nthId(1), CALLER, undefined, true],
    ]);
  });
});

test("a request of a trace that is not sampled gets ids, and nothing is told", async () => {
  client.send(get(`traceparent: ${parent(CALLER, "00")}`));
  const request = await sent();
  expect(fieldOf(request, "traceparent")).toBe(parent(nthId(2), "00"));
  request.answerHead(200, [], true);
  await answered();
  expect(kept.spans).toEqual([]);
});

test("a request without a trace, or one that cannot be read, goes on as it came", async () => {
  for (const field of ["accept: */*", "traceparent: 00-zz-zz-01"]) {
    open(kept);
    client.send(get(field));
    const request = await sent();
    const [name = "", value = ""] = field.split(": ");
    expect(fieldOf(request, name)).toBe(value);
    expect(request.head.trace).toBeNull();
    request.answerHead(200, [], true);
    await answered();
  }
  expect(kept.spans).toEqual([]);
});

test("without a collector fields are left alone", async () => {
  open(undefined);
  client.send(SAMPLED);
  const request = await sent();
  expect(fieldOf(request, "traceparent")).toBe(parent(CALLER));
  request.answerHead(200, [], true);
  await answered();
});
