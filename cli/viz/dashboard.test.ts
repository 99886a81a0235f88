import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { request } from "node:http";
import { join } from "node:path";
import {
  startServer,
  type TestServer,
  writeKubeconfig,
} from "../cluster/testing/api-server.ts";

const MAIN = join(import.meta.dir, "..", "main.ts");
const PAGES = "/apis/viz.linkerd.io/v1alpha1/dashboard";
const LIVE = "/apis/viz.linkerd.io/v1alpha1/watch/dashboard/tap-events";
const TIMEOUT_MS = 30_000;

let api: TestServer;
/** How often the API server knows of no metrics component. */
let absent = 0;
let asked: string[] = [];
let readers = 0;
let taken: Bun.Server<undefined>;

beforeAll(async () => {
  taken = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(),
  });
  api = await startServer(({ url = "", headers }, response) => {
    asked.push(`${headers.authorization} ${url}`);
    const status = (code: number, message: string) =>
      response.writeHead(code, { "content-type": "application/json" })
        .end(JSON.stringify({ kind: "Status", code, message }));
    if (absent-- > 0) return void status(404, "could not find the resource");
    if (url === LIVE) {
      readers++;
      response.on("close", () => readers--);
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      return void response.write("{}\n");
    }
    if (url === `${PAGES}/workload`) {
      return void status(403, `User "u" cannot get "workload"`);
    }
    response.writeHead(url === `${PAGES}/bad` ? 400 : 200, {
      "content-type": "text/html",
      "content-security-policy": "default-src 'none'",
      "audit-id": "1",
    });
    response.end("a page");
  });
});
beforeEach(() => {
  absent = 0;
  asked = [];
});
afterAll(async () => {
  await taken.stop(true);
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
  "the pages are on a port of this machine with the caller's rights, until %s",
  async (signal) => {
    absent = signal === "SIGTERM" ? 1 : 0; // waited for
    const waiting = absent > 0
      ? "Waiting for the metrics component to become available\n"
      : "";
    const command = await start("--show=url", "--port=0", "--wait=1m30s");
    const url = await addressIn(command.stdout);
    expect(url).toMatch(/^http:\/\/localhost:\d+$/);
    const page = await fetch(`${url}/topology?window=10m&namespace=a%26b`);
    expect([page.status, await page.text()]).toEqual([200, "a page"]);
    expect(asked.at(-1))
      .toBe(`Bearer t ${PAGES}/topology?window=10m&namespace=a%26b`);
    expect(page.headers.get("content-security-policy"))
      .toBe("default-src 'none'");
    expect(page.headers.get("audit-id")).toBeNull();
    expect((await fetch(`${url}/bad`)).status).toBe(400);
    command.kill(signal);
    expect(await command.exited).toBe(0);
    expect(await command.stderr.text()).toBe(waiting);
    await expect(fetch(url)).rejects.toThrow();
  },
  TIMEOUT_MS,
);

test("a live page goes on until its reader goes", async () => {
  const command = await start("--show=url", "--port=0");
  const url = await addressIn(command.stdout);
  const going = new AbortController();
  const live = await fetch(`${url}/tap-events`, { signal: going.signal });
  const reader = live.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("{}\n");
  expect(readers).toBe(1);
  going.abort();
  while (readers > 0) await Bun.sleep(10);
  command.kill();
  await command.exited;
}, TIMEOUT_MS);

test("who may not see a page is told what is missing", async () => {
  const command = await start("--show=url", "--port=0");
  const url = await addressIn(command.stdout);
  const page = await fetch(`${url}/workload`);
  expect(page.status).toBe(403);
  expect(page.headers.get("content-type")).toStartWith("text/plain");
  expect(await page.text()).toMatch(/^User "u" cannot get "workload"\n.*view/);
  command.kill();
  await command.exited;
}, TIMEOUT_MS);

test("other pages and other methods get nothing", async () => {
  const command = await start("--show=url", "--port=0");
  const url = await addressIn(command.stdout);
  asked = [];
  const get = (headers: Record<string, string>, method = "GET", path = "/") =>
    new Promise<number | undefined>((resolve, reject) =>
      request(url + path, { method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", reject).end()
    );
  const host = new URL(url).host;
  expect(await get({ host: "attacker.example" })).toBe(403);
  expect(await get({ host, origin: "http://attacker.example" })).toBe(403);
  expect(await get({ host, "sec-fetch-site": "cross-site" })).toBe(403);
  expect(await get({ host, origin: "http://localhost:1" })).toBe(403);
  expect(await get({ host }, "POST")).toBe(405);
  expect(await get({ host }, "GET", "/../metrics/stat")).toBe(404);
  expect(await get({ host }, "GET", "/..%2fmetrics")).toBe(404);
  expect(await get({ host }, "GET", "//other.example/")).toBe(404);
  expect(asked).toEqual([]);
  const links = {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
  };
  expect(await get({ host, ...links })).toBe(200);
  expect(await get({ host, ...links }, "GET", "/tap-events")).toBe(403);
  expect(await get({ host, ...links }, "GET", "/tap-events")).toBe(403);
  expect(await get({ host, origin: url, "sec-fetch-site": "same-origin" }))
    .toBe(200);
  command.kill();
  await command.exited;
}, TIMEOUT_MS);

test("a port that is taken is said", async () => {
  const { exited, stderr } = await start(
    "--show=url",
    `--port=${taken.port}`,
  );
  expect(await exited).toBe(1);
  expect(await stderr.text()).toMatch(/Cannot listen on .*\n.*--port/);
}, TIMEOUT_MS);

test("without a metrics component, it is said how to get one", async () => {
  absent = Infinity;
  const { exited, stderr } = await start("--show=url", "--wait=1s");
  expect(await exited).toBe(1);
  const said = await stderr.text();
  expect(said).toMatch(/^Error: The metrics component.*\n.*linkerd upgrade/);
  expect(said).not.toContain("Usage:");
}, TIMEOUT_MS);

test("with --api-addr there is nothing to pass on", async () => {
  const { exited, stdout } = await start(`--api-addr=127.0.0.1:${taken.port}`);
  expect(await exited).toBe(0);
  expect(await stdout.text()).toBe(
    `Linkerd dashboard available at:\nhttp://localhost:${taken.port}\n`,
  );
  const nobody = await start("--api-addr=127.0.0.1:1");
  expect(await nobody.exited).toBe(1);
  expect(await nobody.stderr.text()).toContain("Cannot ask for metrics at");
}, TIMEOUT_MS);

test.each([
  ["--address=0.0.0.0", "expected localhost"],
  ["--port=70000", "expected a port"],
  ["--show=grafana", "must be one of: linkerd, url"],
])("%s is refused", async (flag, why) => {
  const { exited, stderr } = await start(flag);
  expect(await exited).toBe(1);
  expect(await stderr.text()).toContain(why);
}, TIMEOUT_MS);
