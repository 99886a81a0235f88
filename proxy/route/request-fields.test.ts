import { describe, expect, test } from "bun:test";
import type { Retry, StatusRange } from "../../schemas/client-policy.ts";
import { Field } from "../http/field.ts";
import { requestHead } from "../testing/http1.ts";
import { linesOf } from "../testing/recorded-exchange.ts";
import {
  type Asked,
  askedGrpcRetry,
  askedHttpRetry,
  askedTimeouts,
  takeRequestFields,
} from "./request-fields.ts";

/** What a request with such fields asks for. */
function ask(fields: Readonly<Record<string, string>>): Asked {
  const asked = takeRequestFields(requestHead("GET", "/", fields));
  if (asked === null) throw new Error("nothing asked");
  return asked;
}

const RULE: Retry<readonly StatusRange[]> = {
  limit: 3,
  maxBodyBytes: 1_000,
  conditions: [{ start: 500, end: 500 }],
  timeoutMs: 700,
  backOff: null,
};
const TIMEOUTS = { requestMs: 1_000, responseMs: 2_000, idleMs: 3_000 };

describe("fields by which requests say how they are sent", () => {
  test("do not go on, and leave all others where they are", () => {
    const fields = {
      "a": "1",
      "l5d-timeout": "1s",
      "l5d-request-timeout": "1s",
      "l5d-response-timeout": "1s",
      "l5d-dst-override": "web:80",
      "l5d-retry-http": "5xx",
      "l5d-retry-grpc": "internal",
      "l5d-retry-limit": "?",
      "l5d-retry-timeout": "1s",
      "b": "2",
    };
    const head = requestHead("GET", "/", fields);
    expect(takeRequestFields(head)).not.toBeNull();
    expect(linesOf(head.fields))
      .toEqual(["a: 1", "l5d-dst-override: web:80", "b: 2"]);
    expect(takeRequestFields(head)).toBeNull();
  });

  test("count once", () => {
    const head = requestHead("GET", "/", { "l5d-timeout": "1s" });
    head.fields.push(Field.of("l5d-timeout", "2s"));
    expect(takeRequestFields(head)?.requestMs).toBe(1_000);
    expect(head.fields).toEqual([]);
  });

  test("ask for nothing when they cannot be understood", () => {
    const asked = ask({
      "l5d-timeout": "soon",
      "l5d-response-timeout": "-1s",
      "l5d-retry-http": "5xx,6xx",
      "l5d-retry-grpc": "ok",
      "l5d-retry-limit": "65536",
      "l5d-retry-timeout": "1",
    });
    expect(askedTimeouts(TIMEOUTS, asked)).toEqual(TIMEOUTS);
    expect(askedHttpRetry(RULE, asked)).toBe(RULE);
    expect(askedHttpRetry(null, asked)).toBeNull();
  });
});

test("timeouts asked for take the place of the rule's", () => {
  const timeouts = (fields: Record<string, string>) =>
    askedTimeouts(TIMEOUTS, ask(fields));
  expect(timeouts({ "l5d-timeout": "5s", "l5d-request-timeout": "4s" }))
    .toEqual({ ...TIMEOUTS, requestMs: 4_000 });
  expect(timeouts({ "l5d-timeout": "5s", "l5d-request-timeout": "0" }))
    .toEqual({ ...TIMEOUTS, requestMs: null });
  expect(timeouts({ "l5d-timeout": "5s", "l5d-request-timeout": "x" }))
    .toEqual({ ...TIMEOUTS, requestMs: 5_000 });
  expect(timeouts({ "l5d-response-timeout": "20ms" }))
    .toEqual({ ...TIMEOUTS, responseMs: 20 });
  // Timers hold no more, and must not fire at once instead.
  expect(timeouts({ "l5d-timeout": "99999999999d" }).requestMs)
    .toBe(2 ** 31 - 1);
});

describe("retries asked for", () => {
  test("are the rule's where they say nothing else", () => {
    expect(askedHttpRetry(RULE, ask({ "l5d-retry-limit": "5" })))
      .toEqual({ ...RULE, limit: 5 });
    expect(askedHttpRetry(RULE, ask({ "l5d-retry-timeout": "1s" })))
      .toEqual({ ...RULE, timeoutMs: 1_000 });
    expect(askedHttpRetry(RULE, ask({ "l5d-retry-timeout": "0" })))
      .toEqual({ ...RULE, timeoutMs: null });
    expect(
      askedHttpRetry(RULE, ask({ "l5d-retry-http": "gateway-error, 429" }))
        ?.conditions,
    ).toEqual([{ start: 502, end: 504 }, { start: 429, end: 429 }]);
  });

  test("have defaults of their own where the rule has none", () => {
    expect(askedHttpRetry(null, ask({ "l5d-retry-http": "5xx,400-404" })))
      .toEqual({
        limit: 1,
        maxBodyBytes: 65_536,
        conditions: [{ start: 500, end: 599 }, { start: 400, end: 404 }],
        timeoutMs: null,
        backOff: { minMs: 25, maxMs: 250, jitter: 1 },
      });
    expect(
      askedGrpcRetry(null, ask({ "l5d-retry-grpc": "cancelled,unavailable" }))
        ?.conditions,
    ).toEqual(new Set([1, 14]));
  });

  test("may be none", () => {
    const none = ask({ "l5d-retry-limit": "0", "l5d-retry-http": "5xx" });
    expect(askedHttpRetry(RULE, none)).toBeNull();
    expect(askedGrpcRetry(null, none)).toBeNull();
  });

  test("of the other kind of route are none of this one's", () => {
    expect(askedHttpRetry(null, ask({ "l5d-retry-grpc": "internal" })))
      .toBeNull();
    expect(askedGrpcRetry(null, ask({ "l5d-retry-http": "5xx" }))).toBeNull();
  });
});
