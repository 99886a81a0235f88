import { describe, expect, test } from "bun:test";
import { ErrorCode, type Reset } from "../http/message.ts";
import { classify, type Ending } from "./classify.ts";

function verdict(ending: Partial<Ending>): string {
  const { classification, grpcStatus, error } = classify({
    grpc: false,
    status: 200,
    grpcStatus: null,
    error: null,
    ...ending,
  });
  return [classification, grpcStatus, error].join("|");
}

const reset = (origin: Reset["origin"], code: number): Reset => ({
  origin,
  code,
  message: "gone",
});

describe("classify()", () => {
  test("takes HTTP from 500 on for a failure", () => {
    expect(
      [200, 301, 404, 429, 499, 500, 599].map((status) =>
        verdict({ status }).split("|")[0]
      ),
    ).toEqual([
      "success",
      "success",
      "success",
      "success",
      "success",
      "failure",
      "failure",
    ]);
  });

  test("takes gRPC by its code, whatever the HTTP status", () => {
    const failing = Array.from({ length: 17 }, (_, code) => code).filter((
      code,
    ) =>
      verdict({ grpc: true, grpcStatus: String(code) }).startsWith("failure")
    );
    expect(failing).toEqual([2, 4, 7, 13, 14, 15]);
    expect(verdict({ grpc: true, grpcStatus: "0", status: 500 }))
      .toBe("success|0|");
  });

  test("takes a gRPC code that is none for UNKNOWN", () => {
    expect(verdict({ grpc: true, grpcStatus: "oops" })).toBe("failure|2|");
    expect(verdict({ grpc: true, grpcStatus: "17" })).toBe("failure|2|");
  });

  test("takes gRPC without a code for a success of code UNKNOWN, unless HTTP failed", () => {
    expect(verdict({ grpc: true })).toBe("success|2|");
    expect(verdict({ grpc: true, status: 503 })).toBe("failure||");
  });

  test("ignores a gRPC code when the request was none", () => {
    expect(verdict({ grpcStatus: "13" })).toBe("success||");
  });

  test("names what broke a response", () => {
    expect(verdict({ error: "timeout" })).toBe("failure||timeout");
    expect(verdict({ error: reset("peer", ErrorCode.cancel) }))
      .toBe("failure||h2(CANCEL)");
    expect(verdict({ error: reset("peer", 0xffff) }))
      .toBe("failure||unclassified");
    expect(verdict({ error: reset("io", ErrorCode.cancel) }))
      .toBe("failure||unclassified");
  });

  test("gives the same object for the same verdict", () => {
    const ending: Ending = {
      grpc: true,
      status: 200,
      grpcStatus: "14",
      error: null,
    };
    expect(classify(ending)).toBe(classify({ ...ending }));
  });
});
