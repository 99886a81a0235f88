import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import { type ClientTls, dial } from "../connect.ts";
import { type Listener, listenTcp, type SocketChannel } from "../socket.ts";
import { createPki } from "../testing/pki.ts";
import { Recorder, turn } from "../testing/recorder.ts";
import {
  encodeHeader,
  writeTransportHeader,
} from "../wire/transport-header.ts";
import { acceptDirect, type DirectConnection } from "./direct.ts";

const pki = createPki();
const server = pki.issue("web.shop");
const client = pki.issue("api.shop");
const HEADER = { port: 8080, name: "", session: "http1" } as const;

let listener: Listener;
/** What became of the connection accepted, and its channel. */
let outcomes: (DirectConnection | Problem)[];
let accepted: SocketChannel[];

function listen(timeoutMs = 5_000): void {
  listener = listenTcp({ ip: "127.0.0.1", port: 0 }, {}, (channel) => {
    accepted.push(channel);
    acceptDirect(channel, server, timeoutMs, (out) => void outcomes.push(out));
  });
}
beforeEach(() => {
  outcomes = [];
  accepted = [];
});
afterEach(() => {
  listener.close();
  for (const channel of accepted) channel.destroy();
});

function connect(options: Partial<ClientTls> = {}): Promise<SocketChannel> {
  const { address } = listener;
  const tls = {
    credentials: client,
    peer: { id: server.name, kind: "dns", serverName: server.name },
    transportHeader: true,
    ...options,
  } as const;
  return dial(address, { timeoutMs: 2_000, tcp: {}, tls });
}

async function outcome(): Promise<DirectConnection | Problem> {
  let [first] = outcomes;
  while (first === undefined) {
    await turn();
    [first] = outcomes;
  }
  return first;
}

/** The message with which the connection was refused; fails when it was not. */
async function refusal(): Promise<string> {
  const refused = await outcome();
  if (!(refused instanceof Problem)) throw new Error("was not refused");
  while (!accepted.every(({ closed }) => closed)) await turn();
  expect(outcomes.length).toBe(1);
  return refused.message;
}

describe("acceptDirect()", () => {
  test("tells who has come and what for; what follows stays in the channel", async () => {
    listen();
    const channel = await connect();
    writeTransportHeader(channel.out, HEADER);
    channel.flush();
    channel.write(new TextEncoder().encode("GET /"));
    expect(await outcome()).toEqual({ clientId: client.name, header: HEADER });
    const [far] = accepted;
    if (far === undefined) throw new Error("nothing accepted");
    const reader = new Recorder(far);
    await reader.until(() => reader.text === "GET /");
    channel.destroy();
  });

  test("takes a header that drips, and a FIN behind it", async () => {
    listen();
    const channel = await connect();
    const header = encodeHeader(HEADER);
    const preface = new TextEncoder().encode("transport.l5d.io/v1\r\n\r\n");
    const length = Uint8Array.of(0, 0, 0, header.length);
    for (const byte of [...preface, ...length, ...header]) {
      channel.write(Uint8Array.of(byte));
      await turn();
    }
    channel.end();
    expect(await outcome()).toMatchObject({ header: HEADER });
    const [far] = accepted;
    if (far === undefined) throw new Error("nothing accepted");
    const reader = new Recorder(far);
    await reader.until(() => reader.ended);
  });

  test("refuses a client without a certificate", async () => {
    listen();
    const channel = await connect({ credentials: { anchors: pki.anchors } });
    expect(await refusal())
      .toBe("direct connections must be mutually authenticated");
    channel.destroy();
  });

  test("refuses a client that does not negotiate the header", async () => {
    listen();
    const channel = await connect({ transportHeader: false });
    expect(await refusal())
      .toBe("direct connections require transport header negotiation");
    channel.destroy();
  });

  test.each<readonly [string, Uint8Array]>([
    ["of another protocol", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
    [
      "of a huge length",
      Buffer.concat([
        new TextEncoder().encode("transport.l5d.io/v1\r\n\r\n"),
        Uint8Array.of(0x7f, 0xff, 0xff, 0xff),
      ]),
    ],
  ])("refuses a header %s", async (_what, bytes) => {
    listen();
    const channel = await connect();
    channel.write(bytes);
    expect(await refusal()).not.toBe("");
    channel.destroy();
  });

  test("refuses a client that leaves before its header", async () => {
    listen();
    const channel = await connect();
    channel.end();
    expect(await refusal()).toBe("The peer left before its transport header");
  });

  test("refuses a client whose header does not come in time", async () => {
    listen(50);
    const channel = await connect();
    expect(await refusal()).toBe("No transport header within 50 ms");
    channel.destroy();
  });

  test("refuses a client that speaks no TLS, or says nothing", async () => {
    listen(50);
    const { address } = listener;
    const plain = await dial(address, { timeoutMs: 500, tcp: {}, tls: null });
    expect(await refusal()).toBe("No TLS handshake within 50 ms");
    plain.destroy();
  });
});
