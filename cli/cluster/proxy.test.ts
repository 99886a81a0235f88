import { afterAll, beforeAll, expect, test } from "bun:test";
import { once } from "node:events";
import net, { type AddressInfo, type Socket } from "node:net";
import type { World } from "../command.ts";
import { chooseProxy } from "./proxy.ts";
import {
  open,
  startServer,
  type TestServer,
  writeKubeconfig,
} from "./testing/api-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer((_, response) => response.end('"through"'));
});
afterAll(() => server.close());

/** A proxy that answers each of `turns` in turn, and then carries bytes to the server. */
async function startProxy(
  turns: ((bytes: Buffer) => string | Uint8Array)[],
): Promise<{ port: number; close: () => void }> {
  const proxy = net.createServer((socket: Socket) => {
    const left = [...turns];
    socket.on("error", () => socket.destroy());
    socket.on("data", function answer(bytes: Buffer) {
      const turn = left.shift();
      if (turn !== undefined) socket.write(turn(bytes));
      if (left.length > 0) return;
      socket.off("data", answer);
      const upstream = net.connect(
        Number(new URL(server.url).port),
        "127.0.0.1",
      );
      upstream.on("error", () => socket.destroy());
      socket.pipe(upstream).pipe(socket);
    });
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const { port } = proxy.address() as AddressInfo;
  return { port, close: () => proxy.close() };
}

async function ask(proxy: string): Promise<unknown> {
  const path = await writeKubeconfig(server, { token: "t" }, {
    "proxy-url": proxy,
  });
  const cluster = await open([`--kubeconfig=${path}`]);
  return await cluster.call({ path: "/" });
}

test("through an HTTP proxy, with a login", async () => {
  let asked = "";
  const proxy = await startProxy([(bytes) => {
    asked = bytes.toString();
    return "HTTP/1.1 200 Connection established\r\n\r\n";
  }]);
  expect(await ask(`http://me:secret@127.0.0.1:${proxy.port}`)).toBe("through");
  expect(asked).toContain(`CONNECT ${new URL(server.url).host} HTTP/1.1\r\n`);
  expect(asked).toContain(`Basic ${btoa("me:secret")}\r\n`);
  proxy.close();
});

test("an HTTP proxy that refuses is named", async () => {
  const proxy = await startProxy([() => "HTTP/1.1 407 Who are you\r\n\r\n"]);
  await expect(ask(`http://127.0.0.1:${proxy.port}`)).rejects.toThrow(
    `Cannot go through proxy http://127.0.0.1:${proxy.port}: HTTP/1.1 407`,
  );
  proxy.close();
});

test("through a SOCKS proxy, which looks up the name", async () => {
  let asked: Buffer = Buffer.alloc(0);
  const proxy = await startProxy([
    () => Uint8Array.of(5, 0),
    (bytes) => {
      asked = bytes;
      return Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0);
    },
  ]);
  expect(await ask(`socks5://127.0.0.1:${proxy.port}`)).toBe("through");
  expect(asked.subarray(5, -2).toString()).toBe("localhost");
  proxy.close();
});

test.each<[string, Record<string, string>, string | undefined]>([
  ["https://api.example:6443", { HTTPS_PROXY: "proxy:3128" }, "proxy:3128"],
  ["http://api.example", { HTTPS_PROXY: "proxy:3128" }, undefined],
  ["https://127.0.0.1:6443", { HTTPS_PROXY: "proxy:3128" }, undefined],
  ["https://localhost:6443", { https_proxy: "proxy:3128" }, undefined],
  [
    "https://api.example",
    { HTTPS_PROXY: "p:1", NO_PROXY: ".example" },
    undefined,
  ],
  ["https://api.example", { HTTPS_PROXY: "p:1", NO_PROXY: "a,*" }, undefined],
  [
    "https://10.1.2.3",
    { HTTPS_PROXY: "p:1", NO_PROXY: "10.0.0.0/8" },
    undefined,
  ],
  ["https://11.1.2.3", { HTTPS_PROXY: "p:1", NO_PROXY: "10.0.0.0/8" }, "p:1"],
  [
    "https://xapi.example",
    { HTTPS_PROXY: "p:1", NO_PROXY: "api.example" },
    "p:1",
  ],
])("%s with %j goes through %p", (url, env, host) => {
  const world: Pick<World, "env"> = { env };
  expect(chooseProxy(new URL(url), undefined, world)?.host).toBe(host);
});
