import { describe, expect, test } from "bun:test";
import { Problem, type ProblemCode } from "../schemas/problem.ts";
import { isGrpc, rescue, statusOf } from "./rescue.ts";
import { requestHead } from "./testing/http1.ts";
import { linesOf } from "./testing/recorded-exchange.ts";

const HTTP = { grpc: false };
const GRPC = { grpc: true };

describe("rescue()", () => {
  test.each<readonly [ProblemCode, number, number, boolean]>([
    ["failfast", 504, 4, true],
    ["loadshed", 503, 14, true],
    ["connect.timeout", 504, 4, true],
    ["connect.failed", 502, 14, true],
    ["tls.refused", 502, 14, true],
    ["forbidden", 403, 7, false],
    ["system.failed", 500, 13, true],
  ])(
    "%s is %d, for gRPC 200 and status %d, and closes: %p",
    (code, status, grpcStatus, close) => {
      const problem = new Problem(code, "what happened");
      const http = rescue(problem, HTTP, false);
      expect([http.head.status, http.close]).toEqual([status, close]);
      expect(statusOf(problem).status).toBe(status);
      const grpc = rescue(problem, GRPC, false);
      expect([grpc.head.status, grpc.close]).toEqual([200, close]);
      expect(linesOf(grpc.head.fields)).toEqual([
        "content-length: 0",
        "content-type: application/grpc",
        `grpc-status: ${grpcStatus}`,
      ]);
    },
  );

  test("says nothing of the proxy to those who need not know", () => {
    const { head } = rescue(new Problem("failfast", "secret"), HTTP, false);
    expect(linesOf(head.fields)).toEqual(["content-length: 0"]);
    expect(head.contentLength).toBe(0);
  });

  test("says what happened and what to check", () => {
    const problem = new Problem("failfast", "no endpoints", {
      hint: "check the Service",
    });
    expect(linesOf(rescue(problem, HTTP, true).head.fields)).toEqual([
      "content-length: 0",
      "l5d-proxy-error: no endpoints; check the Service",
      "l5d-proxy-connection: close",
    ]);
    const grpc = linesOf(rescue(problem, GRPC, true).head.fields);
    expect(grpc).toContain("grpc-message: no endpoints; check the Service");
  });

  test("keeps the connection that was only forbidden something", () => {
    const { head } = rescue(new Problem("forbidden", "no"), HTTP, true);
    expect(linesOf(head.fields)).not.toContain("l5d-proxy-connection: close");
  });

  test("lets nothing that a peer said break a field or go on for ever", () => {
    const problem = new Problem(
      "protocol.invalid",
      `a\r\nset-cookie: b\0\u00e9100% ${"x".repeat(1_000)}`,
    );
    const [, error = ""] = linesOf(rescue(problem, HTTP, true).head.fields);
    expect(error).toStartWith("l5d-proxy-error: a set-cookie: b 100% xxx");
    expect(error.length).toBeLessThan(600);
    const grpc = linesOf(rescue(problem, GRPC, true).head.fields);
    expect(grpc[3]).toStartWith("grpc-message: a set-cookie: b 100%25 xxx");
  });
});

test.each(
  [
    ["2", "application/grpc", true],
    ["2", "application/grpc+proto", true],
    ["2", "application/json", false],
    ["1.1", "application/grpc", false],
  ] as const,
)("isGrpc() of HTTP/%s with %s is %p", (version, type, grpc) => {
  const fields = { "accept": "*/*", "content-type": type };
  expect(isGrpc(requestHead("POST", "/", fields, version))).toBe(grpc);
  expect(isGrpc(requestHead("POST", "/", {}, version))).toBeFalse();
});
