import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { SocketAddress } from "../../schemas/address.ts";
import { createRegistry } from "../record.ts";
import { createFamilies } from "../record/families.ts";
import { TcpRecorder } from "../record/tcp.ts";
import { INBOUND_DESTINATION_LABELS } from "../record/traffic.ts";
import { pageOf } from "../record/testing/page.ts";
import { TestLease } from "../testing/server-bed.ts";
import { turn } from "../testing/recorder.ts";
import { type Apps, createApps } from "./apps.ts";

const IDLE_MS = 50;
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

let server: Bun.TCPSocketListener;
let address: SocketAddress;
let connected: number;
let closed: number;
let registry: ReturnType<typeof createRegistry>;
let apps: Apps;
beforeEach(() => {
  connected = closed = 0;
  server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: () => void connected++,
      data: (socket) => void socket.write(OK),
      close: () => void closed++,
    },
  });
  address = { ip: "127.0.0.1", port: server.port };
  registry = createRegistry({ retainIdleMs: 1_000 });
  apps = createApps({
    connectTimeoutMs: 1_000,
    tcp: {},
    pool: { maxIdle: 10, idleMs: IDLE_MS },
    backOff: { minMs: 100, maxMs: 1_000, jitter: 0 },
    http2: {},
    meters: new TcpRecorder(
      createFamilies(registry).tcp,
      INBOUND_DESTINATION_LABELS,
    ),
  });
});
afterEach(() => server.stop(true));

async function exchange(app: ReturnType<Apps["take"]>): Promise<TestLease> {
  const lease = new TestLease();
  app.http1.acquire(lease);
  while (!lease.response.ended && lease.problem === null) await turn();
  return lease;
}

describe("createApps()", () => {
  test("shares an application's connections among its users", async () => {
    const [one, two] = [apps.take(address), apps.take({ ...address })];
    expect(two).toBe(one);
    await exchange(one);
    expect((await exchange(two)).reused).toBeTrue();
    expect(connected).toBe(1);
    one.release();
    two.release();
  });

  test("keeps an application while anybody uses it, whatever others take", async () => {
    const app = apps.take(address);
    for (let port = 1; port <= 1_000; port++) {
      apps.take({ ip: "127.0.0.1", port }).release();
    }
    expect(apps.take(address)).toBe(app);
    expect((await exchange(app)).problem).toBeNull();
  });

  test("closes what nobody uses when it has been idle", async () => {
    const app = apps.take(address);
    await exchange(app);
    app.release();
    while (closed === 0) await turn();
    const next = apps.take(address);
    expect(next).not.toBe(app);
    next.release();
  });

  test("opens connections for bytes, and counts them all", async () => {
    const channel = await apps.open(address);
    const page = pageOf(registry, 0);
    expect(page).toContain(
      `tcp_open_connections{direction="inbound",peer="dst"`,
    );
    channel.destroy();
    while (closed === 0) await turn();
  });

  test("says that nobody listens", async () => {
    server.stop(true);
    const app = apps.take(address);
    expect((await exchange(app)).problem?.code).toBe("connect.failed");
    app.release();
  });
});
