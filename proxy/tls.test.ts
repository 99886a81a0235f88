import { afterAll, expect, test } from "bun:test";
import type { SocketAddress } from "../schemas/address.ts";
import { Problem } from "../schemas/problem.ts";
import { dial } from "./connect.ts";
import { listenTcp, type SocketChannel } from "./socket.ts";
import { terminate, type TlsPeer } from "./terminate.ts";
import { turn } from "./testing/recorder.ts";
import { createPki } from "./testing/pki.ts";
import type { Credentials } from "./tls.ts";

const pki = createPki();
const server = pki.issue(
  "web.app.serviceaccount.identity.linkerd.cluster.local",
);
const client = pki.issue(
  "api.app.serviceaccount.identity.linkerd.cluster.local",
);
const closers: (() => void)[] = [];
afterAll(() => closers.forEach((close) => close()));

/** An echo server behind TLS; tells what became of each handshake. */
function serve(
  credentials: Credentials,
): { address: SocketAddress; outcomes: (TlsPeer | Problem)[] } {
  const outcomes: (TlsPeer | Problem)[] = [];
  const listener = listenTcp({ ip: "127.0.0.1", port: 0 }, {}, (channel) => {
    terminate(
      channel,
      credentials,
      { transportHeader: true, timeoutMs: 2_000 },
      (outcome) => {
        outcomes.push(outcome);
        if (!(outcome instanceof Problem)) echo(channel);
      },
    );
  });
  closers.push(listener.close);
  return { address: listener.address, outcomes };
}

function echo(channel: SocketChannel): void {
  channel.attach({
    data: (chunk) => {
      if (!channel.write(chunk)) channel.pause();
    },
    end: () => channel.end(),
    drain: () => channel.resume(),
    close: () => {},
  });
}

/** Sends everything, half-closes, and reads until the end. */
function exchange(
  channel: SocketChannel,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  const received: Uint8Array[] = [];
  const step = 50_000;
  let at = 0;
  return new Promise((resolve) => {
    const send = () => {
      while (at < bytes.length) {
        const more = channel.write(bytes.subarray(at, at + step));
        at += step;
        if (!more) return;
      }
      channel.end();
    };
    channel.attach({
      data: (chunk) => received.push(chunk.slice()),
      end: () => resolve(Buffer.concat(received)),
      drain: send,
      close: () => resolve(Buffer.concat(received)),
    });
    send();
  });
}

function connect(
  address: SocketAddress,
  credentials: Credentials | { anchors: string },
  id = server.name,
): Promise<SocketChannel> {
  const peer = { id, kind: "dns", serverName: id } as const;
  return dial(address, {
    timeoutMs: 2_000,
    tcp: {},
    tls: { credentials, peer, transportHeader: true },
  });
}

async function refusal(promise: Promise<unknown>): Promise<Problem> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("was not refused");
}

test("a mutual handshake tells both sides who is there, and bytes survive with half-close", async () => {
  const { address, outcomes } = serve(server);
  const channel = await connect(address, client);
  const bytes = crypto.getRandomValues(new Uint8Array(60_000)).toHex().repeat(
    60,
  );
  const sent = new TextEncoder().encode(bytes);
  expect(Buffer.compare(await exchange(channel, sent), sent)).toBe(0);
  expect(outcomes).toEqual([{ id: client.name, transportHeader: true }]);
});

test("a client without a certificate is let in without a name", async () => {
  const { address, outcomes } = serve(server);
  const channel = await connect(address, { anchors: pki.anchors });
  await exchange(channel, new TextEncoder().encode("hello"));
  expect(outcomes).toEqual([{ id: null, transportHeader: true }]);
});

test("a server with another name, another root or an expired leaf is refused", async () => {
  const { address } = serve(server);
  const other = await refusal(
    connect(
      address,
      client,
      "db.app.serviceaccount.identity.linkerd.cluster.local",
    ),
  );
  expect(other.message).toContain("does not match TLS identity");
  const foreign = serve(createPki().issue(server.name));
  expect((await refusal(connect(foreign.address, client))).code).toBe(
    "tls.refused",
  );
  const expired = serve(pki.issue(server.name, { days: -1 }));
  expect((await refusal(connect(expired.address, client))).code).toBe(
    "tls.refused",
  );
});

test("a client from another root or with an expired leaf is refused by the server", async () => {
  for (
    const bad of [
      createPki().issue(client.name),
      pki.issue(client.name, { days: -1 }),
    ]
  ) {
    const { address, outcomes } = serve(server);
    const opened = await connect(address, { ...bad, anchors: pki.anchors })
      .catch(() => null);
    if (opened !== null) {
      expect(
        (await exchange(opened, new TextEncoder().encode("secret"))).length,
      ).toBe(0);
    }
    expect(outcomes).toHaveLength(1);
    expect(outcomes[0]).toBeInstanceOf(Problem);
  }
});

test("TLS 1.2 is refused on both sides", async () => {
  const { address } = serve(server);
  const s_client = Bun.spawn([
    "openssl",
    "s_client",
    "-connect",
    `127.0.0.1:${address.port}`,
    "-tls1_2",
  ], { stdin: null, stdout: "pipe", stderr: "pipe" });
  expect(
    await new Response(s_client.stderr).text() +
      await new Response(s_client.stdout).text(),
  ).toContain("alert protocol version");
});

test("an identity may be a URI", async () => {
  const spiffe = pki.issue("spiffe", {
    san: "URI:spiffe://root/ns/app/sa/web",
  });
  const { address } = serve(spiffe);
  const channel = await dial(address, {
    timeoutMs: 2_000,
    tcp: {},
    tls: {
      credentials: client,
      peer: {
        id: "spiffe://root/ns/app/sa/web",
        kind: "uri",
        serverName: "web.app",
      },
      transportHeader: true,
    },
  });
  expect((await exchange(channel, new TextEncoder().encode("hi"))).length).toBe(
    2,
  );
});

test("nobody listening is told at once, silence after the timeout", async () => {
  const closed = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data() {} },
  });
  const { port } = closed;
  closed.stop(true);
  expect((await refusal(connect({ ip: "127.0.0.1", port }, client))).code).toBe(
    "connect.failed",
  );
  const silent = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data() {} },
  });
  closers.push(() => silent.stop(true));
  const peer = {
    id: server.name,
    kind: "dns",
    serverName: server.name,
  } as const;
  const timedOut = dial({ ip: "127.0.0.1", port: silent.port }, {
    timeoutMs: 100,
    tcp: {},
    tls: { credentials: client, peer, transportHeader: true },
  });
  expect((await refusal(timedOut)).code).toBe("connect.timeout");
});

test("chunks are plain arrays, with TLS and without, so that a slice of one is a copy", async () => {
  const { address } = serve(server);
  const plain = listenTcp({ ip: "127.0.0.1", port: 0 }, {}, echo);
  closers.push(plain.close);
  const channels = [
    await connect(address, client),
    await dial(plain.address, { timeoutMs: 2_000, tcp: {}, tls: null }),
  ];
  for (const channel of channels) {
    const chunk = Promise.withResolvers<Uint8Array>();
    channel.attach({ data: chunk.resolve, end() {}, drain() {}, close() {} });
    channel.write(new TextEncoder().encode("hello"));
    expect((await chunk.promise).constructor).toBe(Uint8Array);
    channel.destroy();
  }
});

test("the memory of large chunks is given back when their readers are done", async () => {
  const { address } = serve(server);
  const channel = await connect(address, client);
  const chunks: Uint8Array[] = [];
  const sizes: number[] = [];
  const all = Promise.withResolvers<void>();
  const bytes = new Uint8Array(4_000_000).fill(7);
  let received = 0;
  channel.attach({
    data(chunk) {
      chunks.push(chunk);
      sizes.push(chunk.length);
      received += chunk.filter((byte) => byte === 7).length;
      if (received === bytes.length) all.resolve();
    },
    end() {},
    drain() {},
    close() {},
  });
  channel.write(bytes);
  await all.promise;
  await turn();
  expect(Math.max(...sizes)).toBeGreaterThanOrEqual(16_384);
  expect(chunks.filter((chunk) => chunk.length >= 16_384)).toEqual([]);
  channel.destroy();
});
