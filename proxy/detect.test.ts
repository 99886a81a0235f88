import { expect, test } from "bun:test";
import {
  detectHttp,
  type Detection,
  detectTls,
  type TlsDetection,
} from "./detect.ts";
import { guessHttp } from "./detect/http.ts";
import { guessTls } from "./detect/tls.ts";
import { dial } from "./connect.ts";
import { listenTcp } from "./socket.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  ["GET / HTTP/1.1\r\n", "http1"],
  ["get / HTTP/1.0\r\n", "http1"],
  ["FROB \0x HTTP/1.1\r\n", "http1"],
  ["GET /\x00 HTTP/1.9\n", "http1"],
  ["GET /only", "likely-http1"],
  ["G", "likely-http1"],
  ["PRI * HTTP/2.0\r\n", "http2"],
  ["PRI *", "more"],
  ["EHLO mail.example.com\r\n", "opaque"],
  ["hello", "more"],
  ["*1\r\n$4\r\nPING\r\n", "opaque"],
  ["\x16\x03\x01", "opaque"],
  ["\r\nGET / HTTP/1.1\r\n", "opaque"],
  ["A-METHOD-LONGER-THAN-ANY-KNOWN", "opaque"],
])("guessHttp(%j) is %s", (text, guess) => {
  expect(guessHttp(bytes(text))).toBe(guess as ReturnType<typeof guessHttp>);
});

/** A ClientHello as openssl sends it. */
async function clientHello(serverName: string): Promise<Uint8Array> {
  const hello = Promise.withResolvers<Uint8Array>();
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (_socket, chunk) => hello.resolve(chunk) },
  });
  const client = Bun.spawn([
    "openssl",
    "s_client",
    "-connect",
    `127.0.0.1:${server.port}`,
    ...(serverName === "" ? ["-noservername"] : ["-servername", serverName]),
  ], { stdin: null, stdout: "ignore", stderr: "ignore" });
  const first = await hello.promise;
  client.kill();
  server.stop(true);
  return first;
}

test("guessTls() finds the server name, however the hello is cut", async () => {
  const hello = await clientHello(
    "web.app.serviceaccount.identity.linkerd.cluster.local",
  );
  expect(guessTls(hello)).toEqual({
    kind: "hello",
    sni: "web.app.serviceaccount.identity.linkerd.cluster.local",
  });
  for (let end = 0; end < hello.length; end += 7) {
    expect(guessTls(hello.subarray(0, end)).kind).toBe("more");
  }
  expect(guessTls(await clientHello(""))).toEqual({ kind: "hello", sni: null });
});

test("guessTls() takes plain and broken bytes for no TLS", async () => {
  expect(guessTls(bytes("GET / HTTP/1.1"))).toEqual({ kind: "none" });
  expect(guessTls(Uint8Array.of(22, 3, 1, 255, 255, 1)).kind).toBe("none");
  const hello = (await clientHello("x.y")).slice();
  hello.fill(255, 43);
  expect(guessTls(hello).kind).not.toBe("hello");
});

/** Detects on a real connection to which `script` writes. */
async function detect(
  script: (
    write: (text: string) => void,
    end: () => void,
  ) => Promise<void> | void,
  silenceMs?: number,
): Promise<{ detection: Detection | "silent"; replay: string }> {
  const result = Promise.withResolvers<
    { detection: Detection | "silent"; replay: string }
  >();
  const listener = listenTcp({ ip: "127.0.0.1", port: 0 }, {}, (channel) => {
    const silence = silenceMs === undefined ? null : {
      afterMs: silenceMs,
      call: () => result.resolve({ detection: "silent", replay: "" }),
    };
    detectHttp(channel, { timeoutMs: 400, silence }, (detection) => {
      if (detection.kind === "gone") {
        return result.resolve({ detection, replay: "" });
      }
      let replay = "";
      channel.attach({
        data: (chunk) => (replay += new TextDecoder().decode(chunk)),
        end() {},
        drain() {},
        close() {},
      });
      result.resolve({ detection, replay });
    });
  });
  const client = await dial(listener.address, {
    timeoutMs: 500,
    tcp: {},
    tls: null,
  });
  await script((text) => void client.write(bytes(text)), () => client.end());
  const outcome = await result.promise;
  client.destroy();
  listener.close();
  return outcome;
}

test("detectHttp() waits for a request line that comes in pieces, and gives all bytes back", async () => {
  const { detection, replay } = await detect(async (write) => {
    for (const piece of ["G", "ET /x HT", "TP/1.1\r", "\nHost: a\r\n"]) {
      write(piece);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  expect(detection).toEqual({ kind: "detected", protocol: "http1" });
  expect(replay.startsWith("GET /x HTTP/1.1\r\n")).toBe(true);
});

test("detectHttp() takes a dripping request for HTTP, an unknown word soon for opaque, silence for a timeout", async () => {
  expect((await detect((write) => write("GET /dri"))).detection).toEqual({
    kind: "detected",
    protocol: "http1",
  });
  const before = performance.now();
  expect((await detect((write) => write("hello"))).detection).toEqual({
    kind: "detected",
    protocol: "opaque",
  });
  expect(performance.now() - before).toBeLessThan(390);
  expect((await detect(() => {})).detection).toEqual({ kind: "timeout" });
});

test("detectHttp() tells a client that left without a word, and one that is silent", async () => {
  expect((await detect((_write, end) => end())).detection).toEqual({
    kind: "gone",
    error: null,
  });
  expect((await detect(() => {}, 20)).detection).toBe("silent");
});

test("detectTls() times out on half a hello", async () => {
  const hello = await clientHello("x.y");
  const result = Promise.withResolvers<TlsDetection>();
  const listener = listenTcp(
    { ip: "127.0.0.1", port: 0 },
    {},
    (channel) =>
      void detectTls(channel, { timeoutMs: 50, silence: null }, result.resolve),
  );
  const client = await dial(listener.address, {
    timeoutMs: 500,
    tcp: {},
    tls: null,
  });
  client.write(hello.subarray(0, 100));
  expect(await result.promise).toEqual({ kind: "timeout" });
  client.destroy();
  listener.close();
});
