import { beforeEach, describe, expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import { Field } from "../http/field.ts";
import { readyFilters } from "../route/filter.ts";
import type { FakeRequest } from "../testing/fake-connection.ts";
import {
  type FakeUpstream,
  ForwardBed,
  openHttp1,
} from "../testing/forward-bed.ts";
import { linesOf } from "../testing/recorded-exchange.ts";
import { type Recorder, turn } from "../testing/recorder.ts";

const GET = "GET /a HTTP/1.1\r\nhost: web.shop\r\n\r\n";

let bed: ForwardBed;
let endpoint: FakeUpstream;
let client: Recorder;
beforeEach(() => {
  bed = new ForwardBed();
  endpoint = bed.add("first");
  client = openHttp1(bed);
});

async function sent(to = endpoint): Promise<FakeRequest> {
  while (to.asked.length === 0) await turn();
  const request = to.give();
  if (request === null) throw new Error("the request was not wanted");
  return request;
}

async function head(): Promise<string> {
  await client.until(() => client.text.includes("\r\n\r\n"));
  return client.text;
}

const change = (name: string) => ({
  add: [[name, "1"]] as const,
  set: [],
  remove: [],
});

describe("a request", () => {
  test("without a route is answered, and is nobody's", async () => {
    bed.way = new Problem("route.missing", "no route");
    client.send(GET);
    expect(await head()).toStartWith("HTTP/1.1 404 Not Found");
    expect([bed.inFlight.count, bed.finished, bed.problems.length])
      .toEqual([0, [], 1]);
  });

  test("is changed by the filters of the rule, then of the backend; its response the other way", async () => {
    bed.passage.filters = readyFilters([
      { kind: "request-headers", ...change("x-rule") },
      { kind: "response-headers", ...change("y-rule") },
    ]);
    bed.lane.filters = readyFilters([
      { kind: "request-headers", ...change("x-backend") },
      { kind: "response-headers", ...change("y-backend") },
    ]);
    client.send(GET);
    const request = await sent();
    expect(linesOf(request.head.fields)).toEqual([
      "x-rule: 1",
      "x-backend: 1",
    ]);
    request.answerHead(204, [Field.of("z", "1")], true);
    expect(await head())
      .toContain("z: 1\r\ny-backend: 1\r\ny-rule: 1\r\n");
  });

  test("that is sent again is not changed twice", async () => {
    const filter = { kind: "request-headers", ...change("x-rule") } as const;
    bed.passage.filters = readyFilters([filter]);
    const second = bed.add("second");
    client.send(GET);
    while (endpoint.asked.length === 0) await turn();
    endpoint.refuse(new Problem("connect.failed", "refused"));
    const request = await sent(second);
    expect(linesOf(request.head.fields)).toEqual(["x-rule: 1"]);
    request.answerHead(204, [], true);
    await head();
  });

  test.each([
    [500, "HTTP/1.1 500 Internal Server Error"],
    [403, "HTTP/1.1 403 Forbidden"],
  ])("may be answered by a filter: %p", async (status, line) => {
    const ratio = { numerator: 1, denominator: 1 };
    bed.lane.filters = readyFilters([
      { kind: "failure", status, message: "Service not found web", ratio },
    ]);
    client.send(GET);
    expect(await head()).toStartWith(line);
    expect(client.text).toContain("l5d-proxy-error: Service not found web");
    expect([bed.finished, bed.endings, bed.inFlight.count])
      .toMatchObject([[{ status }], [], 0]);
  });

  test("may be sent elsewhere", async () => {
    const redirect = { scheme: null, host: "b.shop", path: null, port: null };
    bed.passage.filters = readyFilters([
      { kind: "redirect", ...redirect, status: 302 },
    ]);
    client.send(GET);
    expect(await head()).toContain("location: http://b.shop/a\r\n");
    expect(client.text).toStartWith("HTTP/1.1 302 Found");
  });

  test("that waits takes the way of a new policy when its backend is used no more", async () => {
    bed.upstreams = [];
    client.send(GET);
    while (bed.waiting.size === 0) await turn();
    const next = new ForwardBed();
    const elsewhere = next.add("elsewhere");
    bed.way = next.way;
    bed.lane.closed = true;
    for (const waiter of bed.waiting) {
      waiter.refuse(new Problem("failfast", "is not used any more"));
    }
    (await sent(elsewhere)).answerHead(204, [], true);
    expect(await head()).toStartWith("HTTP/1.1 204 No Content");
    expect(next.finished).toMatchObject([{ status: 204 }]);
  });
});
