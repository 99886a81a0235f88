import { afterEach, describe, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { type AdminOptions, startAdmin } from "./admin.ts";
import { isLoopback } from "./admin/loopback.ts";
import { createAdminPort, withProbes } from "./admin/port.ts";
import { acceptsGzip } from "./admin/metrics.ts";
import { createLogs } from "./log.ts";
import { parseFilter } from "./log/filter.ts";
import { createRegistry } from "./record.ts";
import { createFamilies } from "./record/families.ts";
import { formatLabels } from "./record/labels.ts";
import { createPki } from "./testing/pki.ts";
import { authorization, serverPolicy } from "./testing/policies.ts";

const server = createPki().issue("web.shop");
const OPEN = serverPolicy([authorization(["0.0.0.0/0"])]);

const started: ReturnType<typeof startAdmin>[] = [];
afterEach(async () => {
  for (const admin of started.splice(0)) await admin.close();
});

function start(changes: Partial<AdminOptions> = {}): {
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
  readonly options: AdminOptions;
  readonly port: number;
} {
  const filter = parseFilter("warn,linkerd=info");
  if (filter === null) throw new Error("not a filter");
  const options: AdminOptions = {
    address: { ip: "127.0.0.1", port: 0 },
    accept: {},
    name: server.name,
    credentials: () => server,
    detectTimeoutMs: 1_000,
    http2: {},
    port: createAdminPort(4191, withProbes(OPEN, 1_000)),
    registry: createRegistry({ retainIdleMs: 1_000 }),
    families: createFamilies(createRegistry({ retainIdleMs: 1_000 })),
    logs: createLogs({
      filter,
      format: "plain",
      write: () => undefined,
      uptimeMs: () => 0,
    }),
    env: {
      LINKERD2_PROXY_LOG: "warn",
      _pod_name: "web-1",
      AWS_SECRET_ACCESS_KEY: "hush",
    },
    ready: () => true,
    shutdown: null,
    ...changes,
  };
  const admin = startAdmin(options);
  started.push(admin);
  return {
    options,
    port: admin.port,
    get: (path, init) => fetch(`http://127.0.0.1:${admin.port}${path}`, init),
  };
}

describe("the admin server", () => {
  test("shows metrics as text, compressed when asked", async () => {
    const { get, options } = start();
    options.registry.counter("a_total", "A").with("").value += 1;
    const expected =
      "# HELP a_total A\n# TYPE a_total counter\na_total 1\n# EOF\n";
    const plain = await get("/metrics", {
      headers: { "accept-encoding": "identity" },
    });
    expect(plain.headers.get("content-type"))
      .toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(plain.headers.get("content-encoding")).toBeNull();
    expect(await plain.text()).toBe(expected);
    const packed = await get("/metrics", {
      headers: { "accept-encoding": "gzip" },
    });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    expect(await packed.text()).toBe(expected);
  });

  test("says whom it trusts, and with what it proves itself", async () => {
    const { get } = start();
    const page = await get("/trust.json");
    expect(await page.json()).toEqual({
      anchors: server.anchors,
      certificate: server.chain,
    });
    expect((await start({ credentials: () => null }).get("/trust.json")).status)
      .toBe(503);
  });

  test("sends a large page in pieces, whole and unchanged", async () => {
    const { get, options } = start();
    const { registry } = options;
    const family = registry.counter("a_total", "A");
    for (let at = 0; at < 2_000; at++) {
      family.with(formatLabels([["target", `${at}-${"x".repeat(200)}`]]));
    }
    const pieces = [...registry.expose(0)];
    expect(pieces.length).toBeGreaterThan(5);
    expect(await (await get("/metrics")).text()).toBe(pieces.join(""));
    const head = await get("/metrics", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  test("answers probes, ready only when it is", async () => {
    let ready = false;
    const { get } = start({ ready: () => ready });
    const probe = async (path: string) => {
      const response = await get(path);
      return [response.status, await response.text()];
    };
    expect(await probe("/live")).toEqual([200, "live\n"]);
    expect(await probe("/ready")).toEqual([503, "not ready\n"]);
    ready = true;
    expect(await probe("/ready")).toEqual([200, "ready\n"]);
  });

  test("shows and changes the log level", async () => {
    const { get, options } = start();
    expect(await (await get("/proxy-log-level")).text())
      .toBe("warn,linkerd=info\n");
    const put = (body: string) =>
      get("/proxy-log-level", { method: "PUT", body });
    expect((await put("linkerd=debug\n")).status).toBe(204);
    expect(options.logs.filter.text).toBe("linkerd=debug");
    expect((await put("linkerd=loud")).status).toBe(400);
    expect((await put("x".repeat(100_000))).status).toBe(413);
    expect(options.logs.filter.text).toBe("linkerd=debug");
    const wrong = await get("/proxy-log-level", { method: "DELETE" });
    expect([wrong.status, wrong.headers.get("allow")])
      .toEqual([405, "GET, PUT"]);
  });

  test("shows the proxy's variables and no others", async () => {
    const { get } = start();
    expect(await (await get("/env.json")).json())
      .toEqual({ LINKERD2_PROXY_LOG: "warn", _pod_name: "web-1" });
    expect(
      await (await get("/env.json?_pod_name&NONE&AWS_SECRET_ACCESS_KEY"))
        .json(),
    ).toEqual({ _pod_name: "web-1", NONE: null, AWS_SECRET_ACCESS_KEY: null });
    expect((await get("/env.json?a=b")).status).toBe(400);
    const html = { headers: { accept: "text/html" } };
    expect((await get("/env.json", html)).status).toBe(406);
  });

  test("shuts down when that is enabled, and only by POST", async () => {
    let asked = 0;
    const { get } = start({ shutdown: () => void (asked += 1) });
    const wrong = await get("/shutdown");
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    expect(asked).toBe(0);
    const right = await get("/shutdown", { method: "POST" });
    expect([right.status, await right.text()]).toEqual([200, "shutdown\n"]);
    expect(asked).toBe(1);
    const disabled = start();
    const refused = await disabled.get("/shutdown", { method: "POST" });
    expect([refused.status, await refused.text()])
      .toEqual([404, "shutdown endpoint is not enabled\n"]);
  });

  test("does not know other paths", async () => {
    const { get } = start();
    expect((await get("/")).status).toBe(404);
    expect((await get("/metrics/")).status).toBe(404);
  });

  test("takes changes from its own machine only", async () => {
    const ip = Object.values(networkInterfaces()).flat().find((address) =>
      address?.family === "IPv4" && !address.internal
    )?.address;
    // Dialling one of our own addresses other than loopback is what a peer looks like.
    expect(ip).toBeString();
    let asked = 0;
    const { port } = start({
      address: { ip: "0.0.0.0", port: 0 },
      shutdown: () => void (asked += 1),
    });
    const at = `http://${ip}:${port}`;
    const refused = await fetch(`${at}/shutdown`, { method: "POST" });
    expect([refused.status, await refused.text()]).toEqual([
      403,
      "Requests are only permitted from localhost.\n",
    ]);
    expect((await fetch(`${at}/proxy-log-level`)).status).toBe(403);
    expect((await fetch(`${at}/live`)).status).toBe(200);
    expect(asked).toBe(0);
  });

  test("says which address it cannot have", () => {
    const { port } = start();
    expect(() => start({ address: { ip: "127.0.0.1", port } })).toThrow(
      `Cannot listen on 127.0.0.1:${port} for the admin server: `,
    );
  });

  test("refuses connections once it is closed", async () => {
    const { get } = start();
    expect((await get("/live")).status).toBe(200);
    for (const admin of started.splice(0)) await admin.close();
    await expect(get("/live")).rejects.toThrow();
  });
});

test("isLoopback() knows both families, and IPv4 seen through IPv6", () => {
  expect(["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"].map(isLoopback))
    .toEqual([true, true, true, true]);
  expect(["10.127.0.0", "::2", "::ffff:10.0.0.1", undefined].map(isLoopback))
    .toEqual([false, false, false, false]);
});

test("acceptsGzip() reads the codings and their weights", () => {
  expect(["gzip", "br, GZIP;q=0.5", "deflate,gzip;q=1.0"].map(acceptsGzip))
    .toEqual([true, true, true]);
  expect([null, "br", "gzip;q=0", "x-gzip", "gzip;q=0.000"].map(acceptsGzip))
    .toEqual([false, false, false, false, false]);
});
