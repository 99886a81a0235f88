import { beforeEach, describe, expect, test } from "bun:test";
import { Problem, type ProblemCode } from "../../schemas/problem.ts";
import { createRegistry, type Registry } from "../record.ts";
import { classify } from "../record/classify.ts";
import { createFamilies } from "../record/families.ts";
import { authz, route, server, target } from "../record/testing/names.ts";
import { pageOf } from "../record/testing/page.ts";
import {
  type Counted,
  createInboundRecorder,
  type InboundRecorder,
} from "./recorder.ts";

const RETAIN_MS = 600_000;
const CONNECTION: Counted = {
  target,
  tls: { kind: "accepted", clientId: "web.shop" },
  server,
};
const OK = {
  status: 200,
  grpcStatus: null,
  answeredAfterMs: 1,
  reset: null,
  problem: null,
};

let registry: Registry;
let recorder: InboundRecorder;
beforeEach(() => {
  registry = createRegistry({ retainIdleMs: RETAIN_MS });
  recorder = createInboundRecorder(createFamilies(registry));
});

/** The only value of a metric; undefined when it has no or several series. */
function valueOf(metric: string, ...parts: readonly string[]) {
  const lines = pageOf(registry, 0).split("\n").filter((line) =>
    line.startsWith(`${metric}{`) && parts.every((part) => line.includes(part))
  );
  const [line] = lines;
  return line === undefined || lines.length > 1
    ? undefined
    : Number(line.slice(line.lastIndexOf(" ")));
}

/** Series that are left when the retention has passed. */
function left(): string[] {
  registry.sweep(0);
  return pageOf(registry, RETAIN_MS).split("\n")
    .filter((line) => /^(inbound|request|response|tcp)_/.test(line));
}

describe("decisions", () => {
  test("on connections carry what permitted them, or nothing", () => {
    recorder.tcpDecided(CONNECTION, authz);
    recorder.tcpDecided(CONNECTION, null);
    recorder.terminated(CONNECTION);
    const name = `authz_name="${authz.name}"`;
    expect(valueOf("inbound_tcp_authz_allow_total", name)).toBe(1);
    expect(valueOf("inbound_tcp_authz_deny_total")).toBe(1);
    expect(valueOf("inbound_tcp_authz_deny_total", "authz_name"))
      .toBeUndefined();
    expect(valueOf("inbound_tcp_authz_terminate_total")).toBe(1);
  });

  test("on requests are held for a connection and given back", () => {
    const permits = recorder.httpDecisions(CONNECTION, route, authz);
    const denials = recorder.httpDecisions(CONNECTION, route, null);
    permits.value += 3;
    denials.value += 1;
    expect(valueOf("inbound_http_authz_allow_total")).toBe(3);
    expect(valueOf("inbound_http_authz_deny_total")).toBe(1);
    permits.release();
    denials.release();
    expect(left()).toEqual([]);
  });
});

test("requests without a route and above a limit are counted apart", () => {
  const limit = {
    kind: "resource",
    resource: {
      group: "policy.linkerd.io",
      kind: "HTTPLocalRateLimitPolicy",
      name: "slow",
      namespace: "shop",
      section: "",
      port: 0,
    },
  } as const;
  recorder.routeNotFound(CONNECTION);
  recorder.limited(CONNECTION, limit, "total");
  recorder.limited(CONNECTION, limit, "override");
  expect(valueOf("inbound_http_route_not_found_total", `client_id="web.shop"`))
    .toBe(1);
  for (const scope of ["total", "identity"]) {
    expect(
      valueOf(
        "inbound_http_local_ratelimit_total",
        `ratelimit_group="policy.linkerd.io",ratelimit_kind="HTTPLocalRateLimitPolicy",ratelimit_name="slow",ratelimit_scope="${scope}"`,
      ),
    ).toBe(1);
  }
});

describe("exchanges of a Server", () => {
  test("are timed apart: the request, and the response after it", () => {
    const exchanges = recorder.exchanges(CONNECTION, route);
    exchanges.dispatched(false);
    exchanges.ended(false, OK, 900, 400);
    expect(valueOf("inbound_http_requests_total")).toBe(1);
    expect(valueOf("inbound_http_request_duration_seconds_sum")).toBe(0.5);
    expect(valueOf("inbound_http_response_duration_seconds_sum")).toBe(0.4);
    expect(valueOf("inbound_http_statuses_total", `status="200"`)).toBe(1);
    exchanges.release();
  });

  test("of gRPC are told by the code of their trailers", () => {
    const exchanges = recorder.exchanges(CONNECTION, route);
    exchanges.ended(true, { ...OK, grpcStatus: "13" }, 1, 1);
    expect(valueOf("inbound_grpc_statuses_total", `status="13"`)).toBe(1);
    expect(valueOf("inbound_http_statuses_total")).toBeUndefined();
    exchanges.release();
  });

  test("are given back with the connection, though some end late", () => {
    const exchanges = recorder.exchanges(CONNECTION, route);
    const http = recorder.requests(CONNECTION, route, authz);
    const end = () => {
      const { status, grpcStatus } = OK;
      http.latency(status).observe(1);
      http.response(
        status,
        classify({ grpc: false, status, grpcStatus, error: null }),
      );
      exchanges.ended(false, OK, 1, 1);
    };
    end();
    exchanges.release();
    http.release();
    end();
    expect(valueOf("response_total", `status_code="200"`)).toBe(2);
    expect(valueOf("response_latency_ms_count")).toBe(2);
    expect(valueOf("inbound_http_statuses_total")).toBe(2);
    expect(left()).toEqual([]);
  });
});

test.each<readonly [ProblemCode, string]>([
  ["failfast", "failfast"],
  ["loadshed", "loadshed"],
  ["connect.failed", "i/o"],
  ["connect.timeout", "i/o"],
  ["forbidden", "unexpected"],
])("a problem %s is counted as the error %s", (code, error) => {
  recorder.tcpError(new Problem(code, ""), target);
  recorder.httpError(new Problem(code, ""), CONNECTION);
  expect(valueOf("inbound_tcp_errors_total", `error="${error}"`)).toBe(1);
  expect(valueOf("inbound_http_errors_total", `error="${error}"`)).toBe(1);
});

test("a detection that timed out has an error of its own", () => {
  recorder.tcpError("tls detection timeout", target);
  expect(valueOf("inbound_tcp_errors_total", `error="tls detection timeout"`))
    .toBe(1);
});

test.each(
  [
    ["http1", "http/1"],
    ["http2", "http/2"],
    [null, ""],
  ] as const,
)("a transport header of %s is counted as %p", (session, label) => {
  recorder.transportHeader({ port: 80, name: "", session }, "web.shop");
  expect(
    valueOf(
      "inbound_tcp_transport_header_connections_total",
      `session_protocol="${label}"`,
      `client_id="web.shop"`,
    ),
  ).toBe(1);
});
