import { beforeEach, describe, expect, test } from "bun:test";
import type { Backend, ClientPolicy } from "../../schemas/client-policy.ts";
import { Problem, type ProblemCode } from "../../schemas/problem.ts";
import type { Ending } from "../direction.ts";
import { ErrorCode } from "../http/message.ts";
import { createRegistry, type Registry } from "../record.ts";
import { createFamilies, type Families } from "../record/families.ts";
import { service } from "../record/testing/names.ts";
import { requestHead } from "../testing/http1.ts";
import { pageOf } from "../record/testing/page.ts";
import { opaqueRoute, splitRoute, weighted } from "../testing/policies.ts";
import { createOutboundRecorder, type OutboundRecorder } from "./recorder.ts";
import { recordBackend, recordHosts, recordRoute } from "./route-recorder.ts";

const RETAIN_MS = 600_000;
const ROUTE = { kind: "default", name: "http" } as const;
const BACKEND: Backend = {
  kind: "balancer",
  meta: service,
  path: "web.shop.svc.cluster.local:80",
  load: { defaultRttMs: 30, decayMs: 10_000, penalty: null },
};
const OK = {
  status: 200,
  grpcStatus: null,
  answeredAfterMs: 1,
  reset: null,
  problem: null,
};
const QUEUE = { capacity: 10, failfastMs: 3_000 };
const ADDRESS = { ip: "10.96.0.1", port: 80 };

let registry: Registry;
let families: Families;
let recorder: OutboundRecorder;
beforeEach(() => {
  registry = createRegistry({ retainIdleMs: RETAIN_MS });
  families = createFamilies(registry);
  recorder = createOutboundRecorder(families);
});

/** The values of a metric whose labels hold `part`, in the order of the page. */
function valuesOf(metric: string, part = ""): number[] {
  return pageOf(registry, 0).split("\n").filter((line) =>
    line.startsWith(`${metric}{`) && line.includes(part)
  ).map((line) => Number(line.slice(line.lastIndexOf(" "))));
}

/** Lines of `prefix` that are left when the retention has passed. */
function leftOf(prefix: string): string[] {
  registry.sweep(0);
  return pageOf(registry, RETAIN_MS).split("\n")
    .filter((line) => line.startsWith(prefix));
}

describe("a balancer's metrics", () => {
  test("add up over balancers of one Service, and go down with each", () => {
    const [one, two] = [
      recorder.httpBalancer(service, BACKEND, QUEUE),
      recorder.httpBalancer(service, BACKEND, QUEUE),
    ];
    one.endpoints({ ready: 2, pending: 1 });
    two.endpoints({ ready: 2, pending: 0 });
    two.queued(4);
    one.queued(1);
    const endpoints = "outbound_http_balancer_endpoints";
    expect(valuesOf(endpoints, `="ready"`)).toEqual([4]);
    expect(valuesOf(endpoints, `="pending"`)).toEqual([1]);
    expect(valuesOf("outbound_http_balancer_p2c_endpoints")).toEqual([5]);
    expect(valuesOf("outbound_http_balancer_queue_length")).toEqual([5]);
    two.endpoints({ ready: 0, pending: 0 });
    two.queued(0);
    two.close();
    expect(valuesOf(endpoints, `="ready"`)).toEqual([2]);
    expect(valuesOf("outbound_http_balancer_queue_length")).toEqual([1]);
    one.close();
    expect(leftOf("outbound_http_balancer")).toEqual([]);
  });

  test("count the gate and its configured timeout", () => {
    const events = recorder.httpBalancer(service, BACKEND, QUEUE);
    events.gate(false);
    events.gate(true);
    events.gate(false);
    const prefix = "outbound_http_balancer_queue_gate";
    expect(valuesOf(`${prefix}_shut_total`)).toEqual([2]);
    expect(valuesOf(`${prefix}_open_total`)).toEqual([1]);
    expect(valuesOf(`${prefix}_timeout_seconds`)).toEqual([3]);
    events.close();
  });
});

describe("a route's metrics", () => {
  const open = () => ({
    route: recordRoute(families.outbound, service, ROUTE),
    backend: recordBackend(families.outbound, service, ROUTE, service),
  });

  test("count a request once, and what is sent to a backend, gRPC under its own names", () => {
    const { route, backend } = open();
    backend.dispatched(false);
    route.requestFrame(false, 100);
    backend.responseFrame(false, 2_000);
    backend.ended(false, { ...OK, status: 503 }, 40, 10);
    backend.ended(false, OK, 60, 20);
    route.finished(false, OK, 60);
    backend.dispatched(true);
    backend.ended(true, { ...OK, grpcStatus: "14" }, 1, 1);
    expect(valuesOf("outbound_http_route_backend_requests_total")).toEqual([1]);
    expect(
      valuesOf("outbound_http_route_request_statuses_total", `error=""`),
    ).toEqual([1]);
    const responses = "outbound_http_route_backend_response_statuses_total";
    expect(valuesOf(responses, `http_status="503"`)).toEqual([1]);
    expect(valuesOf(responses, `http_status="200"`)).toEqual([1]);
    expect(
      valuesOf(
        "outbound_grpc_route_backend_response_statuses_total",
        `grpc_status="UNAVAILABLE"`,
      ),
    ).toEqual([1]);
    route.release();
    backend.release();
  });

  test.each<readonly [string, Partial<Ending>]>([
    ["CANCEL", {
      reset: { code: ErrorCode.cancel, origin: "peer", message: "" },
    }],
    ["FAIL_FAST", { problem: new Problem("failfast", "") }],
    ["LOAD_SHED", { problem: new Problem("loadshed", "") }],
  ])("name what cut a request off: %s", (error, ending) => {
    const { route } = open();
    route.finished(false, { ...OK, status: 0, ...ending }, 1);
    route.finished(true, { ...OK, status: 0, ...ending }, 1);
    for (const protocol of ["http", "grpc"]) {
      expect(
        valuesOf(
          `outbound_${protocol}_route_request_statuses_total`,
          `${protocol}_status="",error="${error}"`,
        ),
      ).toEqual([1]);
    }
    route.release();
  });

  test("tell hosts apart, up to a bound", () => {
    const hosts = recordHosts(families.outbound, service, ROUTE);
    const ask = (host: string) =>
      hosts.of(requestHead("GET", "/", { host })).finished(false, OK, 1);
    for (let host = 0; host < 99; host++) ask(`${host}.example.org:80`);
    ask("98.EXAMPLE.org");
    ask("one-more.example.org");
    ask("two-more.example.org");
    const requests = "outbound_http_route_request_statuses_total";
    expect(valuesOf(requests, `hostname="98.example.org"`)).toEqual([2]);
    expect(valuesOf(requests, `hostname="other"`)).toEqual([1]);
    expect(valuesOf(requests).length).toBe(101);
    expect(valuesOf("proxy_metrics_overflow_total")).toEqual([1]);
    hosts.release();
    expect(leftOf("outbound_http_route")).toEqual([]);
  });

  test("are all given back, also those of an exchange that ends late", () => {
    const { route, backend } = open();
    backend.dispatched(false);
    backend.dispatched(true);
    route.finished(false, OK, 1);
    route.release();
    backend.release();
    route.finished(false, OK, 1);
    backend.ended(true, { ...OK, grpcStatus: "0" }, 1, 1);
    expect(
      valuesOf(
        "outbound_http_route_request_statuses_total",
        `http_status="200"`,
      ),
    ).toEqual([2]);
    expect(leftOf("outbound_http_route")).toEqual([]);
    expect(leftOf("outbound_grpc_route")).toEqual([]);
  });
});

test.each<readonly [ProblemCode, string]>([
  ["failfast", "failfast"],
  ["loadshed", "loadshed"],
  ["connect.failed", "i/o"],
  ["connect.timeout", "i/o"],
  ["tls.refused", "identity required"],
  ["system.failed", "unexpected"],
])("a problem %s is counted as the error %s", (code, error) => {
  const problem = new Problem(code, "");
  recorder.httpError(problem);
  recorder.tcpError(problem, ADDRESS);
  expect(valuesOf("outbound_http_errors_total", `error="${error}"`))
    .toEqual([1]);
  expect(valuesOf("outbound_tcp_errors_total", `error="${error}"`))
    .toEqual([1]);
});

describe("the metrics of an address", () => {
  const WEB = weighted([BACKEND, 1]);
  const OPAQUE: ClientPolicy = {
    parent: service,
    protocol: { kind: "opaque", opaque: opaqueRoute(WEB) },
  };
  const DETECT: ClientPolicy = {
    parent: service,
    protocol: {
      kind: "detect",
      timeoutMs: 1_000,
      http: { routes: [splitRoute(WEB)], accrual: null },
      opaque: opaqueRoute(WEB),
    },
  };

  test("count a tunnel when it opens and when it ends", () => {
    const target = recorder.target(ADDRESS);
    target.follow(OPAQUE);
    const ended = target.tunnel(ROUTE, null);
    target.tunnel(ROUTE, null);
    ended("unexpected");
    expect(valuesOf("outbound_tcp_route_open_total")).toEqual([2]);
    expect(valuesOf("outbound_tcp_route_close_total", `error="unexpected"`))
      .toEqual([1]);
  });

  test("count connections by protocol and by what detection found", () => {
    const target = recorder.target(ADDRESS);
    target.follow(DETECT);
    target.accepted();
    target.accepted();
    target.detected({ kind: "detected", protocol: "http1" }, 3);
    const protocols = "outbound_tcp_protocol_connections_total";
    expect(valuesOf(protocols, `protocol="detect"`)).toEqual([2]);
    const results = "outbound_tcp_detect_http_results_total";
    expect(valuesOf(results, `result="http/1"`)).toEqual([1]);
    target.follow(OPAQUE);
    target.accepted();
    expect(valuesOf(protocols, `protocol="opaq"`)).toEqual([1]);
  });

  test("count TLS that is passed on by the name it asks for", () => {
    const target = recorder.target(ADDRESS);
    target.follow({ parent: service, protocol: { kind: "tls", tls: [] } });
    target.tunnel(ROUTE, "db.example.org")("forbidden");
    const hostname = `hostname="db.example.org"`;
    expect(valuesOf("outbound_tls_route_open_total", hostname)).toEqual([1]);
    expect(valuesOf("outbound_tls_route_close_total", `error="forbidden"`))
      .toEqual([1]);
  });

  test("are all given back", () => {
    const target = recorder.target(ADDRESS);
    target.follow(DETECT);
    target.meters.opened();
    target.meters.readBytes.value += 5;
    target.accepted();
    target.detected({ kind: "timeout" }, 1_000);
    target.tunnel(ROUTE, null)("");
    expect(valuesOf("tcp_open_connections")).toEqual([1]);
    target.meters.closed("");
    expect(valuesOf("tcp_open_connections")).toEqual([0]);
    target.release();
    expect([...leftOf("tcp_"), ...leftOf("outbound_")]).toEqual([]);
  });
});
