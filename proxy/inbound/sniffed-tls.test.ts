import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import type { Channel } from "../channel.ts";
import { type ClientTls, dial } from "../connect.ts";
import { detectTls } from "../detect.ts";
import { type Listener, listenTcp, type SocketChannel } from "../socket.ts";
import type { TlsPeer } from "../terminate.ts";
import { createPki } from "../testing/pki.ts";
import { Recorder, turn } from "../testing/recorder.ts";
import { terminateSniffed } from "./sniffed-tls.ts";

const pki = createPki();
const server = pki.issue("web.shop");
const client = pki.issue("api.shop");

type Outcome = { readonly peer: TlsPeer; readonly channel: Channel } | Problem;

let listener: Listener;
let outcomes: Outcome[];
let accepted: SocketChannel[];
beforeEach(() => {
  outcomes = [];
  accepted = [];
  listener = listenTcp({ ip: "127.0.0.1", port: 0 }, {}, (socket) => {
    accepted.push(socket);
    detectTls(
      socket,
      { timeoutMs: 1_000, silence: null },
      () =>
        terminateSniffed(socket, server, 200, (out) => void outcomes.push(out)),
    );
  });
});
afterEach(() => {
  listener.close();
  for (const socket of accepted) socket.destroy();
});

function connect(
  credentials: ClientTls["credentials"] | null,
): Promise<SocketChannel> {
  const peer = { id: "web.shop", kind: "dns", serverName: "web.shop" } as const;
  const tls = credentials === null
    ? null
    : { credentials, peer, transportHeader: false };
  return dial(listener.address, { timeoutMs: 2_000, tcp: {}, tls });
}

async function outcome(): Promise<Outcome> {
  while (outcomes.length === 0) await turn();
  const [first] = outcomes;
  if (first === undefined) throw new Error("no outcome");
  return first;
}

/** The message of the refusal, once the connection is closed. */
async function refusal(): Promise<string> {
  const refused = await outcome();
  if (!(refused instanceof Problem)) throw new Error("was not refused");
  while (!accepted.every(({ closed }) => closed)) await turn();
  expect(outcomes.length).toBe(1);
  return refused.message;
}

describe("terminateSniffed()", () => {
  test("tells who has come, and carries what they say", async () => {
    const near = await connect(client);
    const terminated = await outcome();
    if (terminated instanceof Problem) throw terminated;
    expect(terminated.peer.id).toBe(client.name);
    const left = new Recorder(near);
    const right = new Recorder(terminated.channel);
    const text = "x".repeat(100_000);
    left.send(text);
    await right.until(() => right.text.length === text.length);
    right.send("answer");
    await left.until(() => left.text === "answer");
    near.destroy();
  });

  test("lets a client in that has no certificate, without a name", async () => {
    const near = await connect({ anchors: pki.anchors });
    const terminated = await outcome();
    if (terminated instanceof Problem) throw terminated;
    expect(terminated.peer.id).toBeNull();
    near.destroy();
  });

  test("refuses a certificate of another root", async () => {
    const foreign = { ...createPki().issue("evil"), anchors: pki.anchors };
    const near = await connect(foreign);
    expect(await refusal()).toContain("Client certificate does not verify");
    near.destroy();
  });

  test("refuses what only looks like TLS, and what does not go on", async () => {
    const near = await connect(null);
    // A record header that announces a ClientHello of 256 bytes, and nothing more.
    near.write(Uint8Array.of(22, 3, 1, 1, 4, 1, 0, 1, 0, 3, 3));
    near.write(new Uint8Array(300));
    expect(await refusal()).not.toBe("");
    near.destroy();
  });

  test("refuses a client that leaves in the handshake", async () => {
    const near = await connect(null);
    near.write(Uint8Array.of(22, 3, 1, 1, 4, 1, 0, 1, 0, 3, 3));
    near.destroy();
    while (!accepted.some(({ closed }) => closed)) await turn();
    for (const one of outcomes) expect(one).toBeInstanceOf(Problem);
  });
});
