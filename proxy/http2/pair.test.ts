import { describe, expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import {
  type ClientConnection,
  type ClientStream,
  ErrorCode,
  type Reset,
} from "../http/message.ts";
import { bytesOf, requestHead, send, sendWithBody } from "../testing/http1.ts";
import {
  linesOf,
  type RecordedRequest,
  type RecordedResponse,
} from "../testing/recorded-exchange.ts";
import { turn } from "../testing/recorder.ts";
import { startPair } from "./testing/http2.ts";
import { fuzzMs, fuzzSeed, seeded } from "./testing/random.ts";

function echo(request: RecordedRequest): void {
  const { exchange } = request;
  request.begin(200, exchange.head.fields);
  request.requestData = (chunk) => {
    request.body += chunk.length;
    return exchange.data(chunk);
  };
  request.responseDrain = () => exchange.resumeRequest();
  request.requestEnd = (trailers) => exchange.end(trailers);
}

test.each([1, 2, 3, 7, 10, 100, 1_000, 100_000])(
  "bodies and trailers pass both ways in chunks of %d",
  async (chunkBytes) => {
    const { connection } = startPair(echo, { chunkBytes });
    const sizes = [0, 1, 16_384, 16_385, chunkBytes < 10 ? 20_000 : 300_000];
    const sent = sizes.map((size) => upload(connection, size));
    for (const { response, text } of sent) {
      while (!response.ended) await turn();
      expect(response.body === text).toBeTrue();
      expect(response.trailers).toEqual([`x-size: ${text.length}`]);
    }
    expect(connection.active).toBe(0);
    connection.destroy();
  },
);

test("a thousand requests on one connection, a hundred at a time", async () => {
  const { connection } = startPair((request) => request.answer(200, "ok"));
  const responses: RecordedResponse[] = [];
  while (responses.length < 1_000) {
    while (connection.active < 100) responses.push(send(connection)[0]);
    await turn();
  }
  while (connection.active > 0) await turn();
  expect(responses.every(({ body }) => body === "ok")).toBeTrue();
  connection.destroy();
});

describe("a pair of HTTP/2 ends", () => {
  test("passes resets with their codes in both directions", async () => {
    const { connection, requests } = startPair();
    const [first, stream] = sendWithBody(connection, requestHead("POST", "/"));
    const [second] = send(connection);
    while (requests.length < 2) await turn();
    stream.reset(GIVEN_UP);
    requests[1]?.exchange.reset({
      code: ErrorCode.http11Required,
      origin: "local",
      message: "not here",
    });
    while (second.reset === null || requests[0]?.reset === null) await turn();
    expect(requests[0]?.reset).toMatchObject({ code: 8, origin: "peer" });
    expect(second.reset).toMatchObject({ code: 13, origin: "peer" });
    expect(first.reset).toBe(null);
    expect(connection.active).toBe(0);
    connection.destroy();
  });

  test("closes without a failed request when the server drains", async () => {
    const { connection, requests, server, events } = startPair();
    const [response] = send(connection);
    while (requests.length < 1) await turn();
    server.drain();
    const [late] = send(connection);
    while (requests.length < 2) await turn();
    for (const request of requests) request.answer(200, "ok");
    while (events.length < 2) await turn();
    expect([response.body, late.body]).toEqual(["ok", "ok"]);
    expect(events).toEqual(["retiring", "closed"]);
  });

  test("closes at once when idle and drained", async () => {
    const { connection, server, events } = startPair();
    await turn();
    server.drain();
    while (!connection.closed) await turn();
    while (events.length < 2) await turn();
    expect(events).toEqual(["retiring", "closed"]);
  });

  test("keeps fields as they are, secrets and unusual octets included", async () => {
    const { connection, requests } = startPair((request) =>
      request.answer(200, "", request.exchange.head.fields)
    );
    const fields = {
      "authorization": "Bearer x",
      "x-empty": "",
      "x-octets": "\u00e9\t~",
      "x-long": "v".repeat(20_000),
    };
    for (let round = 0; round < 3; round++) {
      const [response] = send(connection, requestHead("GET", "/", fields));
      while (!response.ended) await turn();
      expect(response.fields).toEqual(
        linesOf(requests[round]?.exchange.head.fields ?? []).concat(
          "content-length: 0",
        ),
      );
    }
    connection.destroy();
  });
});

test("random exchanges over random chunkings end as they should", async () => {
  const random = seeded(fuzzSeed());
  const until = performance.now() + fuzzMs();
  const pick = (limit: number) => Math.floor(random() * limit);
  while (performance.now() < until) {
    const { connection } = startPair(echo, {
      chunkBytes: 1 + pick(20_000),
      highWaterBytes: 1 + pick(200_000),
      initialStreamWindow: 65_535 + pick(100_000),
      maxConcurrentStreams: 100,
    });
    const sent: (Upload & { given: boolean })[] = [];
    for (let count = pick(8); count >= 0; count--) {
      while (!connection.ready) await turn();
      const exchange = upload(connection, pick(100_000));
      const given = random() < 0.2;
      if (given) exchange.stream.reset(GIVEN_UP);
      sent.push({ ...exchange, given });
    }
    for (const { response, text, given } of sent) {
      while (!response.ended && !given) await turn();
      if (!given) expect(response.body === text).toBeTrue();
    }
    while (connection.active > 0) await turn();
    connection.destroy();
  }
});

const GIVEN_UP: Reset = { code: 8, origin: "local", message: "given up" };

interface Upload {
  readonly response: RecordedResponse;
  readonly stream: ClientStream;
  readonly text: string;
}

function upload(connection: ClientConnection, size: number): Upload {
  const text = Array.from(
    { length: size },
    (_, at) => String.fromCharCode(97 + at % 23),
  ).join("");
  const head = requestHead("POST", "/", { "x-size": String(size) });
  const [response, stream] = sendWithBody(connection, head);
  stream.data(bytesOf(text));
  stream.end([Field.of("x-size", String(size))]);
  return { response, stream, text };
}
