import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { createRegistry, type Registry } from "../record.ts";
import { controlFamilies } from "../record/control.ts";
import { pageOf } from "../record/testing/page.ts";
import { UNLIMITED } from "../testing/control-bed.ts";
import { FakeConnection } from "../testing/fake-connection.ts";
import { createMemoryChannels } from "../testing/memory-channel.ts";
import { type ControlClient, createControlClient } from "./client.ts";
import { createConnector } from "./connector.ts";
import { meterService } from "./meters.ts";

const SERVICE = {
  host: "policy.test",
  port: 8090,
  serverName: "policy.identity",
  stream: UNLIMITED,
};

let registry: Registry;
let connections: FakeConnection[];
/** What the name resolves to, and whether that answers. */
let ips: string[];
let isReachable: boolean;
let client: ControlClient;

beforeEach(() => {
  jest.useFakeTimers();
  registry = createRegistry({ retainIdleMs: 600_000 });
  connections = [];
  ips = ["10.0.0.1", "10.0.0.2"];
  isReachable = true;
  const meters = meterService(controlFamilies(registry), "policy", SERVICE);
  const connector = createConnector(meters.connector({
    name: "policy",
    host: SERVICE.host,
    port: SERVICE.port,
    resolve: () => Promise.resolve(ips),
    dial: () =>
      isReachable
        ? Promise.resolve(createMemoryChannels()[0])
        : Promise.reject(new Error("refused")),
    connect(_channel, events) {
      const connection = new FakeConnection(events);
      connections.push(connection);
      return connection;
    },
    random: () => 0,
    log() {},
  }));
  client = meters.client(createControlClient(SERVICE, connector));
});

afterEach(() => {
  client.close();
  jest.useRealTimers();
});

const SILENT = { begun() {}, message() {}, end() {} };

/** Lets time pass, and what waited for it happen. */
async function pass(ms: number): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  jest.advanceTimersByTime(ms);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** The value of the only line of the page that has all these. */
function valueOf(name: string, ...parts: readonly string[]): number {
  const lines = pageOf(registry, 0).split("\n").filter((line) =>
    line.startsWith(`${name}{`) && parts.every((part) => line.includes(part))
  );
  expect(lines.length).toBe(1);
  return Number(lines[0]?.split(" ").at(-1)?.replace("+Inf", "Infinity"));
}

test("calls are counted when they leave and when they end, whoever ends them", async () => {
  const call = () => client.start("/p.S/M", new Uint8Array(0), SILENT);
  const given = call();
  call();
  call();
  await pass(0);
  const [connection] = connections;
  const [, refused, well] = connection?.requests ?? [];
  well?.answerMessage(new Uint8Array(3));
  well?.answerEnd(0);
  refused?.answerEnd(14, "not now");
  given.cancel();
  const labels = [`addr="policy.test:8090"`, `server_id="policy.identity"`];
  expect(valueOf("control_request_total", ...labels)).toBe(3);
  const ended = (code: string, classification: string) =>
    valueOf(
      "control_response_total",
      `grpc_status="${code}"`,
      `classification="${classification}"`,
      ...labels,
    );
  expect(ended("0", "success")).toBe(1);
  expect(ended("14", "failure")).toBe(1);
  expect(ended("2", "success")).toBe(1);
  expect(valueOf("control_response_latency_ms_count", ...labels)).toBe(3);
});

test("connections are counted as a balancer's endpoints, calls as its queue", async () => {
  const pool = (name: string, part = "") =>
    valueOf(`control_policy_balancer_${name}`, part);
  isReachable = false;
  client.start("/p.S/M", new Uint8Array(0), SILENT);
  await pass(0);
  await pass(0);
  expect([pool("queue_length"), pool("p2c_endpoints")]).toEqual([1, 2]);
  expect(pool("queue_gate_shut_total")).toBe(1);
  isReachable = true;
  ips = ["10.0.0.2"];
  await pass(10_000);
  expect([pool("queue_length"), pool("queue_requests_total")]).toEqual([0, 1]);
  expect(pool("queue_latency_seconds_count")).toBe(1);
  expect(pool("queue_gate_open_total")).toBe(1);
  expect(pool("endpoints", `endpoint_state="ready"`)).toBe(1);
  expect(pool("endpoints", `endpoint_state="pending"`)).toBe(0);
  expect(pool("p2c_updates_total", `op="Add"`)).toBe(2);
  expect(pool("p2c_updates_total", `op="Remove"`)).toBe(1);
  connections[0]?.lose();
  expect(pool("endpoints", `endpoint_state="ready"`)).toBe(0);
  expect(pool("endpoints", `endpoint_state="pending"`)).toBe(1);
  expect(pool("queue_gate_timeout_seconds")).toBe(Infinity);
});
