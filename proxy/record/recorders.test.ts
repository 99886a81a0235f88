import { describe, expect, test } from "bun:test";
import { createRegistry, type Registry } from "../record.ts";
import { classify } from "./classify.ts";
import { createFamilies } from "./families.ts";
import { HttpRecorder } from "./http.ts";
import { TcpRecorder } from "./tcp.ts";
import { client, target } from "./testing/names.ts";
import { pageOf } from "./testing/page.ts";
import { outboundDestinationLabels, outboundSourceLabels } from "./traffic.ts";

const RETAIN_MS = 600_000;
const registryOf = (): Registry => createRegistry({ retainIdleMs: RETAIN_MS });

describe("HttpRecorder", () => {
  test("counts a response under its status and verdict", () => {
    const registry = registryOf();
    const { http } = createFamilies(registry);
    const recorder = new HttpRecorder(http, `direction="inbound"`);
    const end = (status: number, error: "timeout" | null = null) =>
      recorder.response(
        status,
        classify({ grpc: false, status, grpcStatus: null, error }),
      );
    recorder.requests.value += 3;
    recorder.latency(200).observe(7);
    end(200);
    end(200);
    end(503);
    end(200, "timeout");
    end(0, "timeout");
    const page = pageOf(registry, 0);
    const line = (status: string, classification: string, error: string) =>
      `response_total{direction="inbound",status_code="${status}",classification="${classification}",grpc_status="",error="${error}"}`;
    expect(page).toContain(`request_total{direction="inbound"} 3\n`);
    expect(page).toContain(`${line("200", "success", "")} 2\n`);
    expect(page).toContain(`${line("503", "failure", "")} 1\n`);
    expect(page).toContain(`${line("200", "failure", "timeout")} 1\n`);
    expect(page).toContain(`${line("", "failure", "timeout")} 1\n`);
    expect(page).toContain(
      `response_latency_ms_bucket{direction="inbound",status_code="200",le="10"} 1\n`,
    );
    expect(page).toContain(
      `response_latency_ms_sum{direction="inbound",status_code="200"} 7\n`,
    );
  });

  test("gives all its series back", () => {
    const registry = registryOf();
    const { http } = createFamilies(registry);
    const recorder = new HttpRecorder(http, `direction="inbound"`);
    recorder.latency(200).observe(1);
    recorder.response(
      200,
      classify({ grpc: false, status: 200, grpcStatus: null, error: null }),
    );
    recorder.release();
    registry.sweep(0);
    expect(pageOf(registry, RETAIN_MS)).not.toContain("response");
  });
});

test("bytes exchanged with endpoints are added up by zone, those with applications are not", () => {
  const registry = registryOf();
  const { tcp } = createFamilies(registry);
  const tls = { kind: "dialled", serverId: client } as const;
  const [near, far, unsaid] = ["local", "remote", null].map((zone) => {
    const labels = zone === null ? {} : { pod: "web", zone_locality: zone };
    return new TcpRecorder(
      tcp,
      outboundDestinationLabels({ target, tls, labels }),
    );
  });
  const app = new TcpRecorder(tcp, outboundSourceLabels(target));
  for (const recorder of [near, far, unsaid, app]) {
    if (recorder === undefined) throw new Error("no recorder");
    recorder.readBytes.value += 5;
    recorder.writeBytes.value += 7;
  }
  if (far !== undefined) far.readBytes.value += 100;
  registry.sweep(0);
  if (far !== undefined) far.readBytes.value += 1_000;
  const page = pageOf(registry, 1);
  const bytes = (op: string, zone: string) =>
    new RegExp(`cost_bytes_total{op="${op}",zone_locality="${zone}"} (\\d+)`)
      .exec(page)?.[1];
  expect([bytes("Recv", "Local"), bytes("Send", "Local")]).toEqual(["5", "7"]);
  expect([bytes("Recv", "Remote"), bytes("Send", "Remote")])
    .toEqual(["1105", "7"]);
  expect(bytes("Recv", "Unknown")).toBe("5");
});

describe("TcpRecorder", () => {
  test("counts connections and bytes, and what broke them", () => {
    const registry = registryOf();
    const recorder = new TcpRecorder(
      createFamilies(registry).tcp,
      `peer="src"`,
    );
    for (let at = 0; at < 3; at++) recorder.opened();
    recorder.readBytes.value += 100;
    recorder.writeBytes.value += 7;
    recorder.closed("");
    recorder.closed("ECONNRESET");
    recorder.release();
    const page = pageOf(registry, 0);
    expect(page).toContain(`tcp_open_total{peer="src"} 3\n`);
    expect(page).toContain(`tcp_open_connections{peer="src"} 1\n`);
    expect(page).toContain(`tcp_read_bytes_total{peer="src"} 100\n`);
    expect(page).toContain(`tcp_write_bytes_total{peer="src"} 7\n`);
    expect(page).toContain(`tcp_close_total{peer="src",errno=""} 1\n`);
    expect(page).toContain(`tcp_close_total{peer="src",errno="ECONNRESET"} 1`);
  });
});
