import { afterEach, describe, expect, test } from "bun:test";
import { Problem } from "../schemas/problem.ts";
import type { Channel } from "./channel.ts";
import { type ClientTls, dial } from "./connect.ts";
import { terminateSniffed } from "./inbound/sniffed-tls.ts";
import { listenTcp, type SocketChannel } from "./socket.ts";
import { terminate } from "./terminate.ts";
import { createPki } from "./testing/pki.ts";
import { createMemoryChannels } from "./testing/memory-channel.ts";
import { Recorder, turn } from "./testing/recorder.ts";

/** What `Channel` promises, held against sockets and against the channels of other tests. */
type Pair = readonly [near: Channel, far: Channel];

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const pki = createPki();
const credentials = pki.issue("web.shop");

/** Dials a listener; `take` makes the far channel of what was accepted. */
async function dialledPair(
  tls: ClientTls | null,
  take: (socket: SocketChannel, ready: (far: Channel) => void) => void,
): Promise<Pair> {
  const accepted = Promise.withResolvers<Channel>();
  const listener = listenTcp(
    { ip: "127.0.0.1", port: 0 },
    {},
    (socket) => take(socket, accepted.resolve),
  );
  closing.push(listener.close);
  const options = { timeoutMs: 1_000, tcp: {}, tls };
  const near = await dial(listener.address, options);
  const far = await accepted.promise;
  closing.push(() => near.destroy(), () => far.destroy());
  return [near, far];
}

const CLIENT_TLS: ClientTls = {
  credentials,
  peer: { id: "web.shop", kind: "dns", serverName: "web.shop" },
  transportHeader: false,
};
const TERMINATION = { transportHeader: false, timeoutMs: 1_000 };

const SNIFFED = "TLS whose beginning was read";

const KINDS: readonly (readonly [string, () => Pair | Promise<Pair>])[] = [
  ["sockets", () => dialledPair(null, (socket, ready) => ready(socket))],
  [
    "TLS",
    () =>
      dialledPair(
        CLIENT_TLS,
        (socket, ready) =>
          terminate(socket, credentials, TERMINATION, () => ready(socket)),
      ),
  ],
  [
    SNIFFED,
    () =>
      dialledPair(
        CLIENT_TLS,
        (socket, ready) =>
          terminateSniffed(socket, credentials, 1_000, (outcome) => {
            if (outcome instanceof Problem) throw outcome;
            ready(outcome.channel);
          }),
      ),
  ],
  ["memory channels", () => createMemoryChannels()],
];

describe.each(KINDS)("a channel over %s", (_kind, open) => {
  test("tells each new reader of a FIN that came before it", async () => {
    const [near, far] = await open();
    const first = new Recorder(far);
    new Recorder(near).send("hello");
    near.end();
    await first.until(() => first.ended);
    far.unread(new TextEncoder().encode(first.text));
    const second = new Recorder(far);
    expect([second.text, second.ended]).toEqual(["hello", true]);
  });

  test("tells a reader that comes late that all is over", async () => {
    const [near, far] = await open();
    const left = new Recorder(near);
    const first = new Recorder(far);
    near.end();
    far.end();
    await first.until(() => first.closed && left.closed);
    const second = new Recorder(far);
    await second.until(() => second.closed);
    expect(second.error).toBeNull();
  });

  test("tells of a reset whoever reads, and only once", async () => {
    const [near, far] = await open();
    new Recorder(near);
    const first = new Recorder(far);
    near.destroy();
    await first.until(() => first.closed);
    expect(first.error).not.toBeNull();
    const second = new Recorder(far);
    const third = new Recorder(far);
    await third.until(() => third.closed);
    await turn();
    expect(third.error).not.toBeNull();
    expect([second.closes, third.closes]).toEqual([0, 1]);
  });

  test("keeps bytes for a reader that has paused, the end behind them", async () => {
    const [near, far] = await open();
    const right = new Recorder(far);
    far.pause();
    new Recorder(near).send("all of it");
    near.end();
    await turn();
    expect([right.text, right.ended]).toEqual(["", false]);
    far.resume();
    await right.until(() => right.ended);
    expect(right.text).toBe("all of it");
  });

  test("tells a reader that has paused of the end it asked for", async () => {
    const [near, far] = await open();
    const right = new Recorder(far);
    const left = new Recorder(near);
    left.send("one");
    await right.until(() => right.text === "one");
    far.pause();
    left.send("never read");
    await turn();
    far.destroy();
    await right.until(() => right.closed && left.closed);
    expect(right.text).toBe("one");
  });

  test("ends a reader that has paused when a write finds the peer gone", async () => {
    const [near, far] = await open();
    const left = new Recorder(near);
    const right = new Recorder(far);
    left.send("never read");
    near.pause();
    await right.until(() => right.text !== "");
    far.destroy();
    // In the same turn, so that the write and not the event loop finds out.
    await Promise.resolve();
    near.write(new Uint8Array(65_536));
    await left.until(() => near.closed);
  });

  test("takes no more bytes once it is ended", async () => {
    const [near, far] = await open();
    const right = new Recorder(far);
    const left = new Recorder(near);
    left.send("a");
    near.end();
    expect(near.write(new Uint8Array(1))).toBeFalse();
    await right.until(() => right.ended);
    expect(right.text).toBe("a");
  });

  test("says when a congested sink takes bytes again, nothing lost", async () => {
    const [near, far] = await open();
    const left = new Recorder(near);
    const right = new Recorder(far);
    far.pause();
    let sent = 0;
    while (near.write(new Uint8Array(65_536).fill(120))) {
      sent += 65_536;
      await turn();
    }
    sent += 65_536;
    expect(near.congested).toBeTrue();
    far.resume();
    await left.until(() => left.drains > 0);
    near.end();
    await right.until(() => right.ended);
    expect(right.text.length).toBe(sent);
    expect(near.congested).toBeFalse();
  });
});

// Bun's TLS engine over streams cannot (`terminateSniffed`).
describe.each(KINDS.filter(([kind]) => kind !== SNIFFED))(
  "a channel over %s",
  (_kind, open) => {
    test("half-closes: what is written after the peer's FIN arrives", async () => {
      const [near, far] = await open();
      const left = new Recorder(near);
      const right = new Recorder(far);
      near.end();
      await right.until(() => right.ended);
      right.send("late answer");
      far.end();
      await left.until(() => left.closed && right.closed);
      expect([left.text, left.ended]).toEqual(["late answer", true]);
    });
  },
);
