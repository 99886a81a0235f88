import { beforeEach, describe, expect, test } from "bun:test";
import type { ClientPolicy, ClientRoute } from "../../schemas/policy.ts";
import { Problem, type ProblemCode } from "../../schemas/problem.ts";
import { ErrorCode } from "../http/message.ts";
import { createRegistry, type Registry } from "../record.ts";
import { createFamilies, type Families } from "../record/families.ts";
import { service } from "../record/testing/names.ts";
import { pageOf } from "../record/testing/page.ts";
import { createOutboundRecorder, type OutboundRecorder } from "./recorder.ts";
import { recordRoute } from "./route-recorder.ts";

const RETAIN_MS = 600_000;
const ROUTE: ClientRoute = {
  meta: { kind: "default", name: "http" },
  outcome: {
    kind: "backend",
    backend: {
      kind: "balancer",
      meta: service,
      path: "web.shop.svc.cluster.local:80",
      load: { defaultRttMs: 30, decayMs: 10_000 },
    },
  },
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
      recorder.httpBalancer(service, ROUTE, QUEUE),
      recorder.httpBalancer(service, ROUTE, QUEUE),
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
    const events = recorder.httpBalancer(service, ROUTE, QUEUE);
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
  test("count an exchange once, gRPC under its own names", () => {
    const route = recordRoute(families.outbound, service, ROUTE);
    const ended = { status: 200, grpcStatus: null, reset: null };
    route.dispatched(false);
    route.requestFrame(false, 100);
    route.responseFrame(false, 2_000);
    route.ended(false, ended, 60, 20);
    route.dispatched(true);
    route.ended(true, { ...ended, grpcStatus: "14" }, 1, 1);
    expect(valuesOf("outbound_http_route_backend_requests_total")).toEqual([1]);
    expect(
      valuesOf(
        "outbound_http_route_request_statuses_total",
        `http_status="200"`,
      ),
    ).toEqual([1]);
    expect(
      valuesOf(
        "outbound_grpc_route_backend_response_statuses_total",
        `grpc_status="UNAVAILABLE"`,
      ),
    ).toEqual([1]);
    route.release();
  });

  test("name what cut an exchange off", () => {
    const route = recordRoute(families.outbound, service, ROUTE);
    route.ended(
      false,
      {
        status: 0,
        grpcStatus: null,
        reset: { code: ErrorCode.cancel, origin: "peer", message: "" },
      },
      1,
      0,
    );
    expect(
      valuesOf("outbound_http_route_request_statuses_total", `error="CANCEL"`),
    ).toEqual([1]);
    route.release();
  });

  test("are all given back, also those of an exchange that ends late", () => {
    const route = recordRoute(families.outbound, service, ROUTE);
    const ended = { status: 200, grpcStatus: null, reset: null };
    route.dispatched(false);
    route.dispatched(true);
    route.ended(false, ended, 1, 1);
    route.release();
    route.ended(false, ended, 1, 1);
    route.ended(true, { ...ended, grpcStatus: "0" }, 1, 1);
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
  const OPAQUE: ClientPolicy = {
    parent: service,
    protocol: { kind: "opaque", opaque: ROUTE },
  };
  const DETECT: ClientPolicy = {
    parent: service,
    protocol: { kind: "detect", timeoutMs: 1_000, http: ROUTE, opaque: ROUTE },
  };

  test("count a tunnel when it opens and when it ends", () => {
    const target = recorder.target(ADDRESS);
    target.follow(OPAQUE);
    const ended = target.tunnel();
    target.tunnel();
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

  test("count exchanges under the route of the policy in force", () => {
    const target = recorder.target(ADDRESS);
    target.follow(DETECT);
    target.exchanges.dispatched(false);
    target.follow({ ...DETECT });
    target.exchanges.dispatched(false);
    const requests = "outbound_http_route_backend_requests_total";
    expect(valuesOf(requests)).toEqual([2]);
    const http = {
      ...ROUTE,
      meta: { kind: "default", name: "other" },
    } as const;
    target.follow({ ...DETECT, protocol: { kind: "http1", http } });
    target.exchanges.dispatched(false);
    expect(valuesOf(requests, `route_name="other"`)).toEqual([1]);
  });

  test("are all given back", () => {
    const target = recorder.target(ADDRESS);
    target.follow(DETECT);
    target.meters.opened();
    target.meters.readBytes.value += 5;
    target.accepted();
    target.detected({ kind: "timeout" }, 1_000);
    target.tunnel()("");
    target.exchanges.dispatched(false);
    expect(valuesOf("tcp_open_connections")).toEqual([1]);
    target.meters.closed("");
    expect(valuesOf("tcp_open_connections")).toEqual([0]);
    target.release();
    expect([...leftOf("tcp_"), ...leftOf("outbound_")]).toEqual([]);
  });
});
