import { describe, expect, test } from "bun:test";
import { judge, type Judgement, type Outcome } from "./outcome.ts";

const OK: Outcome = {
  grpc: false,
  dispatchedMs: 0,
  status: 200,
  grpcStatus: null,
  failure: null,
  head: null,
};

describe("judge()", () => {
  test.each<[number, Judgement]>([
    [101, "success"],
    [200, "success"],
    [404, "success"],
    [429, "limited"],
    [499, "success"],
    [500, "failure"],
    [503, "failure"],
    [599, "failure"],
  ])("HTTP %d: %s", (status, judgement) => {
    expect(judge({ ...OK, status })).toBe(judgement);
  });

  test.each<[string | null, number, Judgement]>([
    ["0", 200, "success"],
    ["1", 200, "success"],
    ["2", 200, "failure"],
    ["4", 200, "failure"],
    ["5", 200, "success"],
    ["7", 200, "failure"],
    ["8", 200, "limited"],
    ["13", 200, "failure"],
    ["14", 200, "failure"],
    ["15", 200, "failure"],
    ["16", 200, "success"],
    ["nonsense", 200, "failure"],
    [null, 200, "success"],
    [null, 429, "limited"],
    [null, 503, "failure"],
  ])("gRPC %s with HTTP %d: %s", (grpcStatus, status, judgement) => {
    expect(judge({ ...OK, grpc: true, grpcStatus, status })).toBe(judgement);
  });

  test.each(["unsent", "broken", "timeout"] as const)(
    "%s is a failure, whatever came before",
    (failure) => {
      expect(judge({ ...OK, failure })).toBe("failure");
      expect(judge({ ...OK, failure, status: 0 })).toBe("failure");
    },
  );

  test("a client that gives up says nothing", () => {
    expect(judge({ ...OK, status: 503, failure: "cancelled" })).toBeNull();
  });
});
