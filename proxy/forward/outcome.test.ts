import { beforeEach, describe, expect, test } from "bun:test";
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
import { type Recorder, turn } from "../testing/recorder.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const REFUSED = new Problem("connect.failed", "Cannot connect to 10.0.0.1:80");

let bed: ForwardBed;
let endpoint: FakeUpstream;
beforeEach(() => {
  bed = new ForwardBed();
  endpoint = bed.add("first");
});

/** The request that an endpoint gets when it gives its connection away. */
async function sent(to = endpoint): Promise<FakeRequest> {
  while (to.asked.length === 0) await turn();
  const request = to.give();
  if (request === null) throw new Error("the request was not wanted");
  return request;
}

describe("an endpoint hears of each HTTP request once", () => {
  let client: Recorder;
  beforeEach(() => {
    client = openHttp1(bed);
    client.send(GET);
  });

  test("when the status is known, whatever becomes of the body", async () => {
    const request = await sent();
    request.answerHead(503);
    expect(endpoint.outcomes).toEqual([503]);
    request.answerData(bytesOf("half"));
    request.fail(ErrorCode.cancel, "io");
    await turn();
    expect(endpoint.outcomes).toEqual([503]);
  });

  test("when nothing of it could be sent; so does the next one of its own", async () => {
    const other = bed.add("second");
    while (endpoint.asked.length === 0) await turn();
    endpoint.refuse(REFUSED);
    expect(endpoint.outcomes).toEqual(["unsent"]);
    (await sent(other)).answerHead(200, [], true);
    expect([endpoint.outcomes, other.outcomes]).toEqual([["unsent"], [200]]);
  });

  test("when the connection breaks before the answer", async () => {
    // The first time that is no word on how it answers: the connection may have been closing.
    (await sent()).fail(ErrorCode.cancel, "io");
    (await sent()).fail(ErrorCode.cancel, "io");
    await client.until(() => client.text.includes(" 502 "));
    expect(endpoint.outcomes).toEqual(["cancelled", "broken"]);
  });

  test("when the client leaves before the answer, and then only of that", async () => {
    await sent();
    client.channel.destroy();
    await turn();
    expect(endpoint.outcomes).toEqual(["cancelled"]);
  });

  test("when the client leaves before there is a connection", async () => {
    while (endpoint.asked.length === 0) await turn();
    client.channel.destroy();
    await turn();
    expect(endpoint.outcomes).toEqual(["cancelled"]);
    expect(endpoint.give()).toBeNull();
    expect(endpoint.outcomes).toEqual(["cancelled"]);
  });
});

describe("an endpoint hears of each gRPC request once", () => {
  let response: RecordedResponse;
  beforeEach(() => {
    response = new RecordedResponse();
    const head = requestHead("POST", "/", {
      authority: "a",
      "content-type": "application/grpc",
    }, "2");
    openHttp2(bed).request(head, true, response);
  });

  test("with the head, when that has the status", async () => {
    const request = await sent();
    request.answerHead(200, [Field.of("grpc-status", "14")], true);
    expect(endpoint.outcomes).toEqual(["14"]);
  });

  test("with the trailers otherwise", async () => {
    const request = await sent();
    request.answerHead();
    request.answerMessage(bytesOf("x"));
    expect(endpoint.outcomes).toEqual([]);
    request.answerEnd(13, "no");
    expect(endpoint.outcomes).toEqual(["13"]);
  });

  test("when it breaks off in between", async () => {
    const request = await sent();
    request.answerHead();
    request.fail(ErrorCode.internalError, "peer");
    while (response.reset === null && !response.ended) await turn();
    expect(endpoint.outcomes).toEqual(["broken"]);
  });
});
