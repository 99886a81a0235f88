import { afterEach, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import type { LoadResult } from "./load.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers each request on a connection as told; the n-th request over all connections is number n. */
async function listen(
  answer: (socket: Socket, request: number) => void,
): Promise<{ url: string; count: () => number }> {
  let requests = 0;
  const server = createServer((socket) => {
    socket.on("data", () => answer(socket, ++requests));
    socket.on("error", () => socket.destroy());
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}/`, count: () => requests };
}

function spawnLoad(...flags: string[]) {
  return Bun.spawn(
    [process.execPath, `${import.meta.dir}/load.ts`, ...flags],
    { stdout: "pipe", stderr: "pipe" },
  );
}

async function load(...flags: string[]): Promise<LoadResult> {
  return JSON.parse(await spawnLoad(...flags).stdout.text()) as LoadResult;
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

test("every request is counted once, on kept connections", async () => {
  const { url, count } = await listen((socket) => socket.write(OK));
  const result = await load(
    "--url",
    url,
    "--requests",
    "500",
    "--connections",
    "5",
  );
  expect(result).toMatchObject({
    requests: 500,
    succeeded: 500,
    failed: 0,
    statuses: { "200": 500 },
    connections: 5,
  });
  expect(count()).toBe(500);
});

test("a request whose connection ends without an answer has failed and is not repeated", async () => {
  const { url, count } = await listen((socket, request) =>
    request === 7 ? socket.destroy() : socket.write(OK)
  );
  const result = await load("--url", url, "--requests", "20");
  expect(result).toMatchObject({ requests: 20, succeeded: 19, failed: 1 });
  expect(result.connections).toBe(2);
  expect(count()).toBe(20);
});

test("error statuses are failures, told apart", async () => {
  const { url } = await listen((socket, request) =>
    socket.write(request % 2 === 0 ? OK : OK.replace("200 OK", "503 No"))
  );
  const result = await load("--url", url, "--requests", "10");
  expect(result.statuses).toEqual({ "200": 5, "503": 5 });
  expect(result.failed).toBe(5);
});

test("a response that only the close of its connection ends is complete", async () => {
  const { url } = await listen((socket) =>
    socket.end("HTTP/1.1 200 OK\r\n\r\nall")
  );
  const result = await load("--url", url, "--requests", "3");
  expect(result).toMatchObject({ succeeded: 3, failed: 0, connections: 3 });
});

test("half an answer is a failure", async () => {
  const { url } = await listen((socket) => socket.end(OK.slice(0, -1)));
  expect(await load("--url", url, "--requests", "1"))
    .toMatchObject({ succeeded: 0, failed: 1 });
});

test("nobody listening is a failure with a reason", async () => {
  const { url } = await listen(() => {});
  for (const server of servers.splice(0)) server.close();
  const result = await load("--url", url, "--requests", "2");
  expect(result.failed).toBe(2);
  expect(Object.keys(result.errors)).toHaveLength(1);
});

test("a rate is kept, and delays count from when requests were due", async () => {
  const { url } = await listen((socket, request) => {
    if (request === 1) setTimeout(() => socket.write(OK), 200);
    else socket.write(OK);
  });
  const result = await load("--url", url, "--rate", "100", "--requests", "30");
  expect(result.seconds).toBeWithin(0.28, 0.6);
  expect(result.latencyMs.p50).toBeGreaterThan(20);
});

test("SIGTERM ends it with the answers it awaits", async () => {
  const waiting: Socket[] = [];
  const { url, count } = await listen((socket, request) => {
    if (request < 3) socket.write(OK);
    else waiting.push(socket);
    if (waiting.length === 2) {
      child.kill("SIGTERM");
      setTimeout(() => waiting.forEach((late) => late.write(OK)), 50);
    }
  });
  const child = spawnLoad("--url", url, "--connections", "2");
  const result = JSON.parse(await child.stdout.text()) as LoadResult;
  expect(result.failed).toBe(0);
  expect(result.requests).toBe(count());
});

test("mistakes in flags are told with what is expected", async () => {
  const child = spawnLoad("--url", "nowhere");
  expect(await child.exited).toBe(64);
  expect(await child.stderr.text()).toContain("http://web.shop/");
});
