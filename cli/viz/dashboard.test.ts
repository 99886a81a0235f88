import { afterAll, beforeAll, expect, test } from "bun:test";
import type http from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import {
  startServer,
  type TestServer,
  writeKubeconfig,
} from "../cluster/testing/api-server.ts";
import { acceptTunnel, frame, readMasked } from "../cluster/testing/tunnel.ts";
import { OPCODE } from "../cluster/websocket.ts";

const MAIN = join(import.meta.dir, "..", "main.ts");
const SERVER_PORT = 8085;

let api: TestServer;
let dashboard: Bun.Server<undefined>;
/** Whether the metrics component runs already. */
let isThere = true;
let forwarded = "";

beforeAll(async () => {
  dashboard = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => new Response(`hello ${request.headers.get("host")}`),
  });
  api = await startServer(({ url = "" }, response) => {
    const owned = (kind: string, name: string) => [{ kind, name }];
    const items = url.includes("/replicasets")
      ? [{
        metadata: {
          name: "metrics-1",
          ownerReferences: owned("Deployment", "linkerd-metrics"),
        },
      }]
      : [{
        metadata: {
          name: "metrics-1-a",
          ownerReferences: owned("ReplicaSet", "metrics-1"),
        },
        spec: { containers: [] },
        status: { phase: isThere ? "Running" : "Pending" },
      }];
    if (url.includes("/pods")) isThere = true;
    response.end(JSON.stringify({ metadata: {}, items }));
  });
  api.https.on("upgrade", (request: http.IncomingMessage, socket: Duplex) => {
    forwarded = request.url ?? "";
    acceptTunnel(request, socket);
    const port = [SERVER_PORT & 0xff, SERVER_PORT >> 8];
    for (const channel of [0, 1]) {
      socket.write(frame(OPCODE.binary, channel, ...port));
    }
    const pod = connect(dashboard.port ?? 0, "127.0.0.1");
    pod.on(
      "data",
      (bytes: Buffer) => socket.write(frame(OPCODE.binary, 0, ...bytes)),
    );
    pod.on("error", () => socket.destroy());
    socket.on("error", () => pod.destroy());
    socket.on("close", () => pod.destroy());
    socket.on("data", (chunk: Buffer) => {
      for (const { opcode, payload } of readMasked(chunk)) {
        if (opcode === OPCODE.binary) pod.write(payload.subarray(1));
      }
    });
  });
});

afterAll(async () => {
  await dashboard.stop(true);
  await api.close();
});

async function start(...args: string[]) {
  const kubeconfig = await writeKubeconfig(api, { token: "t" });
  return Bun.spawn([
    ...[process.execPath, MAIN, "viz", "dashboard"],
    ...args,
    `--kubeconfig=${kubeconfig}`,
  ], { stdout: "pipe", stderr: "pipe", env: {} });
}

/** What a program says, until it has said an address. */
async function addressIn(stdout: ReadableStream<Uint8Array>): Promise<string> {
  let said = "";
  for await (const chunk of stdout) {
    said += new TextDecoder().decode(chunk);
    const [, url] = /(http:\S+)\n/.exec(said) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`no address in ${JSON.stringify(said)}`);
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "the dashboard is on a port of this machine, until %s",
  async (signal) => {
    isThere = signal === "SIGTERM"; // or waited for
    const command = await start("--show=url", "--port=0");
    const url = await addressIn(command.stdout);
    expect(url).toMatch(/^http:\/\/localhost:\d+$/);
    expect(forwarded).toBe(
      "/api/v1/namespaces/linkerd/pods/metrics-1-a/portforward?ports=8085",
    );
    const answer = await fetch(url);
    expect(await answer.text()).toBe(`hello ${new URL(url).host}`);
    command.kill(signal);
    expect(await command.exited).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  },
  30_000,
);

test("a port that is taken is said", async () => {
  const { exited, stderr } = await start(
    "--show=url",
    `--port=${dashboard.port}`,
  );
  expect(await exited).toBe(1);
  expect(await stderr.text()).toMatch(
    /Error running port-forward: .*\n.*--port/,
  );
}, 30_000);

test("with --api-addr there is nothing to forward", async () => {
  const { exited, stdout } = await start("--api-addr=127.0.0.1:8085");
  expect(await exited).toBe(0);
  expect(await stdout.text()).toBe(
    "Linkerd dashboard available at:\nhttp://localhost:8085\n",
  );
}, 30_000);

test.each([
  ["--address=0.0.0.0", "expected localhost"],
  ["--port=70000", "expected a port"],
  ["--show=grafana", "must be one of: linkerd, url"],
])("%s is refused", async (flag, why) => {
  const { exited, stderr } = await start(flag);
  expect(await exited).toBe(1);
  expect(await stderr.text()).toContain(why);
}, 30_000);
