import { afterEach, describe, expect, jest, test } from "bun:test";
import {
  callUnary,
  type GrpcCall,
  type GrpcReader,
  startCall,
} from "./grpc.ts";
import type { GrpcStatus } from "./grpc/status.ts";
import { Field } from "./http/field.ts";
import { ErrorCode } from "./http/message.ts";
import { FakeConnection, type FakeRequest } from "./testing/fake-connection.ts";

const METHOD = { path: "/pkg.Service/Method", authority: "dst.test:8086" };
const IGNORE = { ready() {}, retiring() {}, closed() {} };
const bytes = (text: string) => new TextEncoder().encode(text);

/** A call under way: what its server sees, and what its reader has heard. */
function begin(
  onMessage: (text: string) => void = () => {},
): {
  request: FakeRequest;
  heard: string[];
  ends: GrpcStatus[];
  call: GrpcCall;
} {
  const connection = new FakeConnection(IGNORE);
  const heard: string[] = [];
  const ends: GrpcStatus[] = [];
  const reader: GrpcReader = {
    message(message) {
      const text = new TextDecoder().decode(message);
      onMessage(text);
      heard.push(text);
    },
    end: (status) => ends.push(status),
  };
  const call = startCall(connection, METHOD, bytes("ask"), reader);
  const [request] = connection.requests;
  if (request === undefined) throw new Error("no request");
  return { request, heard, ends, call };
}

describe("startCall()", () => {
  test("sends one framed message to the method", () => {
    const { request } = begin();
    const { head } = request;
    expect(head.path.text).toBe(METHOD.path);
    expect(head.authority?.text).toBe(METHOD.authority);
    expect(head.method.text).toBe("POST");
    const fields = head.fields.map(({ name, text }) => [name.text, text]);
    expect(fields).toContainEqual(["content-type", "application/grpc"]);
    expect(fields).toContainEqual(["te", "trailers"]);
    expect([...request.body]).toEqual([0, 0, 0, 0, 3, ...bytes("ask")]);
  });

  test("delivers messages however they are cut", () => {
    const stream = Uint8Array.of(
      ...[0, 0, 0, 0, 2, 104, 105],
      ...[0, 0, 0, 0, 0],
      ...[0, 0, 0, 0, 5, 119, 111, 114, 108, 100],
    );
    for (let size = 1; size <= stream.length; size++) {
      const { request, heard, ends } = begin();
      request.answerHead();
      for (let at = 0; at < stream.length; at += size) {
        request.answerData(stream.slice(at, at + size));
      }
      request.answerEnd(0);
      expect(heard).toEqual(["hi", "", "world"]);
      expect(ends).toEqual([{ code: 0, message: "" }]);
    }
  });

  test("tells the status of trailers, decoded, and of a head without body", () => {
    const trailers = begin();
    trailers.request.answerHead();
    trailers.request.answerEnd(5, "no%20such%20th%C3%ADng 100%");
    expect(trailers.ends[0]?.code).toBe(5);
    const decoded = begin();
    decoded.request.answerHead();
    decoded.request.answerEnd(3, "Invalid%20authority: foo");
    expect(decoded.ends).toEqual([{
      code: 3,
      message: "Invalid authority: foo",
    }]);
    const alone = begin();
    alone.request.answerHead(200, [Field.of("grpc-status", "12")], true);
    expect(alone.ends).toEqual([{ code: 12, message: "" }]);
  });

  test("makes a status of answers that are not gRPC", () => {
    for (const [http, code] of [[404, 12], [503, 14], [403, 7], [418, 2]]) {
      const { request, heard, ends } = begin();
      request.answerHead(http);
      request.answerData(bytes("<html>"));
      request.answerEnd(null);
      expect(heard).toEqual([]);
      expect(ends[0]?.code).toBe(code ?? -1);
    }
  });

  test("makes a status of streams that are cut", () => {
    for (
      const [code, origin, status] of [
        [ErrorCode.cancel, "io", 14],
        [ErrorCode.refusedStream, "peer", 14],
        [ErrorCode.cancel, "peer", 1],
        [ErrorCode.enhanceYourCalm, "peer", 8],
        [ErrorCode.protocolError, "protocol", 13],
      ] as const
    ) {
      const { request, ends } = begin();
      request.fail(code, origin);
      expect(ends[0]?.code).toBe(status);
    }
    const half = begin();
    half.request.answerHead();
    half.request.answerData(Uint8Array.of(0, 0, 0, 0, 9, 1));
    half.request.answerEnd(0);
    expect(half.ends[0]?.code).toBe(13);
  });

  test("gives up on compressed and oversized messages, and on those its reader cannot use", () => {
    for (
      const [prefix, code] of [
        [[1, 0, 0, 0, 1], 13],
        [[0, 0, 0x40, 0, 1], 8],
        [[0, 0xff, 0xff, 0xff, 0xff], 8],
      ] as const
    ) {
      const { request, ends } = begin();
      request.answerHead();
      request.answerData(Uint8Array.from(prefix));
      expect(ends[0]?.code).toBe(code);
      expect(request.cancelled?.code).toBe(ErrorCode.cancel);
    }
    const { request, ends, heard } = begin(() => {
      throw new Error("no use");
    });
    request.answerHead();
    request.answerMessage(bytes("bad"));
    request.answerMessage(bytes("more"));
    request.answerEnd(0);
    expect(heard).toEqual([]);
    expect(ends).toEqual([{ code: 13, message: "no use" }]);
  });

  test("says nothing after it was cancelled", () => {
    const { request, heard, ends, call } = begin();
    request.answerHead();
    request.answerMessage(bytes("one"));
    call.cancel();
    expect(request.cancelled?.code).toBe(ErrorCode.cancel);
    request.answerMessage(bytes("two"));
    expect([heard, ends]).toEqual([["one"], []]);
  });
});

describe("callUnary()", () => {
  afterEach(() => jest.useRealTimers());

  function call(signal: AbortSignal): {
    request: FakeRequest;
    answer: Promise<Uint8Array>;
  } {
    const connection = new FakeConnection(IGNORE);
    const answer = callUnary(
      (reader) => startCall(connection, METHOD, bytes("ask"), reader),
      { timeoutMs: 5_000, signal },
    );
    const [request] = connection.requests;
    if (request === undefined) throw new Error("no request");
    return { request, answer };
  }

  test("resolves to the one answer", async () => {
    const { request, answer } = call(new AbortController().signal);
    request.answerHead();
    request.answerMessage(bytes("yes"));
    request.answerEnd(0);
    expect(await answer).toEqual(bytes("yes"));
  });

  test("rejects with the server's status, and when there is no answer", async () => {
    const refused = call(new AbortController().signal);
    refused.request.answerHead();
    refused.request.answerEnd(9, "not yet");
    expect(await refused.answer.catch((error) => error)).toMatchObject({
      code: 9,
      message: "not yet",
    });
    const empty = call(new AbortController().signal);
    empty.request.answerHead();
    empty.request.answerEnd(0);
    expect(await empty.answer.catch((error) => error)).toMatchObject({
      code: 13,
    });
  });

  test("gives up at its deadline and when aborted, and tells the server", async () => {
    jest.useFakeTimers();
    const late = call(new AbortController().signal);
    jest.advanceTimersByTime(5_000);
    expect(await late.answer.catch((error) => error)).toMatchObject({
      code: 4,
    });
    expect(late.request.cancelled).not.toBeNull();
    const controller = new AbortController();
    const aborted = call(controller.signal);
    controller.abort();
    expect(await aborted.answer.catch((error) => error)).toMatchObject({
      code: 1,
    });
    expect(aborted.request.cancelled).not.toBeNull();
    const never = call(AbortSignal.abort());
    expect(await never.answer.catch((error) => error)).toMatchObject({
      code: 1,
    });
    expect(jest.getTimerCount()).toBe(0);
  });
});
