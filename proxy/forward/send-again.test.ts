import { beforeEach, describe, expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import { Field } from "../http/field.ts";
import { UNSENT_MARK } from "../http/unsent.ts";
import type { FakeRequest } from "../testing/fake-connection.ts";
import {
  type FakeUpstream,
  ForwardBed,
  openHttp1,
} from "../testing/forward-bed.ts";
import { type Recorder, textOf, turn } from "../testing/recorder.ts";
import { MAX_KEPT_BYTES, UNREACHABLE_RTT_MS } from "./send-again.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n";
const REFUSED = new Problem("connect.failed", "Cannot connect to 10.0.0.1:80");
const ANSWER = [UNSENT_MARK, Field.of("content-length", "0")];
const MESHED = {
  identity: { id: "web.shop", kind: "dns", serverName: "web.shop" },
} as const;

let bed: ForwardBed;
let endpoint: FakeUpstream;
let other: FakeUpstream;
let client: Recorder;
beforeEach(() => {
  bed = new ForwardBed();
  [endpoint, other] = [bed.add("first"), bed.add("second")];
  endpoint.endpoint = other.endpoint = MESHED;
  client = openHttp1(bed);
});

async function sent(to = endpoint): Promise<FakeRequest> {
  while (to.asked.length === 0) await turn();
  const request = to.give();
  if (request === null) throw new Error("the request was not wanted");
  return request;
}

async function statusLine(): Promise<string> {
  await client.until(() => client.text.includes("\r\n\r\n"));
  return client.text.slice(0, client.text.indexOf("\r\n"));
}

describe("an endpoint whose proxy answers that its application got nothing", () => {
  test("another gets the request, with what came of the body until then, and the rest", async () => {
    client.send(POST + "bo");
    const first = await sent();
    await turn();
    first.answerHead(502, ANSWER, true);
    expect(first.cancelled).not.toBeNull();
    expect(endpoint.load.cost(performance.now()))
      .toBeCloseTo(UNREACHABLE_RTT_MS, -1);
    const second = await sent(other);
    client.send("dy");
    await turn();
    expect([textOf(second.body), second.ended]).toEqual(["body", true]);
    second.answerHead(200, [], true);
    expect(await statusLine()).toBe("HTTP/1.1 200 OK");
    expect(bed.totals()).toEqual([1, 1, 1]);
    expect([endpoint.load.pending, other.load.pending]).toEqual([0, 0]);
  });

  test("as often as a complete body can be sent: until there is no other", async () => {
    client.send(POST + "body");
    for (const upstream of [endpoint, other, endpoint]) {
      const request = await sent(upstream);
      await turn();
      expect([textOf(request.body), request.ended]).toEqual(["body", true]);
      request.answerHead(502, ANSWER, true);
    }
    expect(await statusLine()).toBe("HTTP/1.1 502 Bad Gateway");
    expect(bed.totals()).toEqual([1, 1, 1]);
  });

  test("a body too large to keep is not sent twice", async () => {
    const length = MAX_KEPT_BYTES + 1;
    client.send(POST.replace(": 4", `: ${length}`));
    const request = await sent();
    for (const size of [MAX_KEPT_BYTES, 1]) {
      client.send("b".repeat(size));
      await turn();
    }
    expect(request.body).toHaveLength(length);
    request.answerHead(502, ANSWER, true);
    expect(await statusLine()).toBe("HTTP/1.1 502 Bad Gateway");
    expect(other.asked).toEqual([]);
  });

  test("an application that says so itself is not believed", async () => {
    endpoint.endpoint = { identity: null };
    client.send(GET);
    (await sent()).answerHead(502, ANSWER, true);
    expect(await statusLine()).toBe("HTTP/1.1 502 Bad Gateway");
    expect(other.asked).toEqual([]);
  });
});

test.each([true, false])(
  "a client learns that nothing was sent if it is a proxy: %p",
  async (isProxy) => {
    bed.tellsUnsent = isProxy;
    bed.upstreams = [endpoint];
    client.send(GET);
    while (endpoint.asked.length === 0) await turn();
    endpoint.refuse(REFUSED);
    await statusLine();
    expect(client.text.includes("l5d-proxy-unsent: true")).toBe(isProxy);
  },
);
