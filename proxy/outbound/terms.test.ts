import { describe, expect, test } from "bun:test";
import { ONCE } from "../forward/terms.ts";
import { requestHead } from "../testing/http1.ts";
import { grpcTerms, httpTerms } from "./terms.ts";

const NONE = { requestMs: null, responseMs: null, idleMs: null };
const RETRY = {
  limit: 2,
  maxBodyBytes: 100,
  timeoutMs: null,
  backOff: null,
};
const head = (fields: Record<string, string> = {}) =>
  requestHead("GET", "/", { host: "a", ...fields });

describe("the terms of a rule", () => {
  test("that says nothing are those of most requests", () => {
    const rule = { timeouts: NONE, retry: null, allowsRequestFields: false };
    expect(httpTerms(rule)(head())).toBe(ONCE);
    expect(grpcTerms(rule)(head())).toBe(ONCE);
  });

  test("want another attempt by status, or by gRPC status", () => {
    const timeouts = { ...NONE, idleMs: 5 };
    const conditions = [{ start: 502, end: 504 }, { start: 429, end: 429 }];
    const http = httpTerms({
      timeouts,
      retry: { ...RETRY, conditions },
      allowsRequestFields: false,
    })(head());
    expect(http.limits).toEqual({ ...timeouts, headMs: null });
    expect(
      [429, 500, 502, 504, 505].map((status) =>
        http.retry?.wants(status, null)
      ),
    ).toEqual([true, false, true, true, false]);
    const grpc = grpcTerms({
      timeouts: NONE,
      retry: { ...RETRY, conditions: new Set([4, 14]) },
      allowsRequestFields: false,
    })(head());
    expect(
      ["0", "4", "14", null].map((status) => grpc.retry?.wants(200, status)),
    ).toEqual([false, true, true, false]);
  });

  test("are a request's own where its rule allows that, and nowhere else", () => {
    const fields = {
      "l5d-request-timeout": "2s",
      "l5d-retry-http": "5xx",
      "l5d-retry-limit": "3",
    };
    const rule = { timeouts: NONE, retry: null };
    const refused = head(fields);
    expect(httpTerms({ ...rule, allowsRequestFields: false })(refused))
      .toBe(ONCE);
    expect(refused.fields.length).toBe(3);
    const asked = head(fields);
    const allowing = httpTerms({ ...rule, allowsRequestFields: true });
    const { limits, retry } = allowing(asked);
    expect(asked.fields).toEqual([]);
    expect(limits?.requestMs).toBe(2_000);
    expect([retry?.limit, retry?.wants(500, null), retry?.wants(404, null)])
      .toEqual([3, true, false]);
    expect(allowing(head())).toBe(ONCE);
  });
});
