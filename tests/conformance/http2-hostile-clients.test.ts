// Hostile HTTP/2 clients against real proxies that carry other people's requests meanwhile: from outside the mesh to an
// inbound proxy, and from the application of a pod to its own outbound proxy.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ErrorCode } from "../../proxy/http/message.ts";
import { Flag, FrameType } from "../../proxy/http2/frames.ts";
import { Setting } from "../../proxy/http2/settings.ts";
import { type Flood, FLOODS } from "../../proxy/http2/testing/floods.ts";
import type { RawPeer } from "../../proxy/http2/testing/raw-peer.ts";
import type { Violation } from "../../proxy/http2/violation.ts";
import type { Http2Side } from "../../proxy/record/http2.ts";
import {
  type Arena,
  ARENA_PORTS,
  ENOUGH_RPS,
  KEPT_MB,
  openArena,
  PEAK_MB,
} from "../testing/arena.ts";
import { flood } from "../testing/flood.ts";
import { RATES } from "../../proxy/http2/limits.ts";
import { turn } from "../../proxy/testing/recorder.ts";
import { listenHttp } from "../testing/counting-server.ts";
import { dialHttp2, type Http2Peer } from "../testing/http2-peer.ts";
import { MESH_TIMEOUT_MS } from "../testing/mesh.ts";

/** An attack on a busy machine, twice. */
const ATTACK_TIMEOUT_MS = 30_000;
const CALM = ErrorCode.enhanceYourCalm;

let arena: Arena;

beforeAll(async () => {
  arena = await openArena("clients");
}, MESH_TIMEOUT_MS);

afterAll(() => arena.close(), MESH_TIMEOUT_MS);

/** Where attackers stand, and whose connection they are on. */
const STANDS = ["outside", "inside"] as const;
type Stand = typeof STANDS[number];
const SIDES: Readonly<Record<Stand, Http2Side>> = {
  outside: "inbound src",
  inside: "outbound src",
};

function attack(
  stand: Stand,
  settings: readonly number[] = [],
  port: number = ARENA_PORTS.http2,
): Promise<Http2Peer> {
  const { client, outsider, server, serverIp } = arena;
  return stand === "outside"
    ? dialHttp2(outsider, { ip: server.ip, port }, settings)
    : dialHttp2(client, { ip: serverIp, port }, settings);
}

/** Resolves with what `act` returns once the proxy has counted one violation more. */
async function counting<T>(
  stand: Stand,
  violation: Violation,
  act: () => Promise<T>,
): Promise<T> {
  const before = await arena.violations(SIDES[stand], violation);
  const result = await act();
  const after = await arena.violations(SIDES[stand], violation);
  expect(after, `times of ${violation}`).toBeGreaterThan(before);
  return result;
}

async function counts(
  stand: Stand,
  violations: readonly Violation[],
): Promise<Record<string, number>> {
  const side = SIDES[stand];
  const entries = violations.map(async (violation) =>
    [violation, await arena.violations(side, violation)] as const
  );
  return Object.fromEntries(await Promise.all(entries));
}

describe.each(STANDS)(
  "from %s, the connection ends after a flood of",
  (stand) => {
    test.each(Object.keys(FLOODS))("%s", async (name) => {
      const what = FLOODS[name] as Flood;
      await counting(stand, what.limit, async () => {
        const { peer, channel, closed } = await attack(stand);
        await flood(peer, channel, what);
        expect(peer.lines.at(-1)).toMatch(goaway(CALM));
        await closed;
      });
    }, ATTACK_TIMEOUT_MS);

    test("all these at once, their answers unread", async () => {
      const limits = Object.values(FLOODS).map(({ limit }) => limit);
      const before = await counts(stand, limits);
      await Promise.all(
        Object.values(FLOODS).map(async (what) => {
          const { peer, channel, closed } = await attack(stand);
          channel.pause();
          await flood(peer, channel, what);
          await closed;
        }),
      );
      const after = await counts(stand, limits);
      for (const [limit, count] of Object.entries(after)) {
        const times = limits.filter((name) => name === limit).length;
        expect(count - (before[limit] ?? 0), limit).toBe(times);
      }
    }, ATTACK_TIMEOUT_MS);

    test("HPACK bombs", async () => {
      await counting(
        stand,
        "headerList",
        () =>
          counting(stand, "faults", async () => {
            const { peer, channel, closed } = await attack(stand);
            await flood(peer, channel, {
              round: (bomber, round) => bomber.frame(...bomb(round)),
            });
            expect(peer.lines).toContain("headers 1 end | :status: 431");
            expect(peer.lines.at(-1)).toMatch(goaway(CALM));
            await closed;
          }),
      );
    }, ATTACK_TIMEOUT_MS);

    test("windows of a single octet", async () => {
      await counting(stand, "tinyWindows", async () => {
        const settings = [Setting.initialWindowSize, 1];
        const { peer, channel, closed } = await attack(stand, settings);
        peer.get(1);
        await peer.line("headers 1");
        await flood(peer, channel, {
          round: (miser) => miser.windowUpdate(1, 1),
        });
        expect(peer.lines.at(-1)).toMatch(goaway(CALM));
        await closed;
      });
    }, ATTACK_TIMEOUT_MS);
  },
);

/** GOAWAY with a code, whatever the last stream. */
const goaway = (code: number): RegExp => new RegExp(`^goaway \\d+ ${code}$`);

/** A request of 2,000 octets whose fields have 4 MB: one that enters the dynamic table, then references to it. */
function bomb(round: number): Parameters<RawPeer["frame"]> {
  const value = new Uint8Array(1_900).fill(0x61);
  const filler = round === 0
    ? [0x40, 0x01, 0x61, 0x7f, 0xed, 0x0d, ...value]
    : [];
  const block = [0x82, 0x86, 0x84, ...filler, ...Array(2_000).fill(0xbe)];
  const flags = Flag.endHeaders | Flag.endStream;
  return [FrameType.headers, flags, 2 * round + 1, block];
}

const GET = [":method: GET", ":scheme: http", ":path: /", ":authority: a"];
const [METHOD = "", SCHEME = "", PATH = ""] = GET;

/** Requests that HTTP forbids, by what is wrong with them; all on stream 1. */
const MALFORMED: Readonly<Record<string, (peer: RawPeer) => void>> = {
  "no path": (peer) => peer.headers(1, [METHOD, SCHEME]),
  "an empty path": (peer) => peer.headers(1, [METHOD, SCHEME, ":path: "]),
  "two paths": (peer) => peer.headers(1, [...GET, PATH]),
  "a status": (peer) => peer.headers(1, [...GET, ":status: 200"]),
  "an unknown pseudo-field": (peer) => peer.headers(1, [...GET, ":x: y"]),
  "a pseudo-field behind others": (peer) =>
    peer.headers(1, [METHOD, "a: b", SCHEME, PATH]),
  "capitals in a name": (peer) => peer.get(1, ["Accept: */*"]),
  "a line break in a value": (peer) => peer.get(1, ["a: b\r\nc: d"]),
  "a line break in the path": (peer) =>
    peer.headers(1, [METHOD, SCHEME, ":path: / HTTP/1.1\r\na: b"]),
  "a space in the method": (peer) =>
    peer.headers(1, [":method: GET / HTTP/1.1", SCHEME, PATH]),
  "a line break in a name": (peer) => peer.get(1, ["a\r\nb: c"]),
  "NUL in a value": (peer) => peer.get(1, ["a: \0"]),
  "transfer-encoding": (peer) => peer.get(1, ["transfer-encoding: chunked"]),
  "connection": (peer) => peer.get(1, ["connection: close"]),
  "te other than trailers": (peer) => peer.get(1, ["te: gzip"]),
  "two lengths": (peer) =>
    peer.post(1, ["content-length: 1", "content-length: 2"]),
  "a length that is no number": (peer) => peer.post(1, ["content-length: +1"]),
  "a body longer than its length": (peer) => {
    peer.post(1, ["content-length: 1"]);
    peer.body(1, 2, true);
  },
  "a body shorter than its length": (peer) => {
    peer.post(1, ["content-length: 2"]);
    peer.body(1, 1, true);
  },
  "a length and no body": (peer) => peer.get(1, ["content-length: 1"]),
  "trailers that do not end the stream": (peer) => {
    peer.post(1);
    peer.headers(1, ["a: b"], Flag.endHeaders);
  },
  "a pseudo-field in trailers": (peer) => {
    peer.post(1);
    peer.headers(1, [":path: /"]);
  },
};

describe.each(STANDS)(
  "from %s, the stream alone ends after a request with",
  (stand) => {
    test.each(Object.keys(MALFORMED))("%s", async (name) => {
      await counting(stand, "malformed", async () => {
        const { peer, channel } = await attack(stand);
        MALFORMED[name]?.(peer);
        await peer.line(`rstStream 1 ${ErrorCode.protocolError}`);
        peer.get(3);
        expect(await peer.line("headers 3")).toContain(":status: 200");
        channel.destroy();
      });
    }, ATTACK_TIMEOUT_MS);

    test("a window that overflows", async () => {
      await counting(stand, "flowControl", async () => {
        const { peer, channel } = await attack(stand);
        peer.post(1);
        peer.windowUpdate(1, 0x7fffffff);
        await peer.line(`rstStream 1 ${ErrorCode.flowControlError}`);
        peer.get(3);
        await peer.line("headers 3");
        channel.destroy();
      });
    });
  },
);

/** What breaks a rule of the connection itself, and the code it ends with. */
const BREACHES: Readonly<
  Record<string, {
    readonly rule: Violation;
    readonly code: number;
    readonly act: (peer: RawPeer) => void;
  }>
> = {
  "a window of the connection that overflows": {
    rule: "flowControl",
    code: ErrorCode.flowControlError,
    act: (peer) => peer.windowUpdate(0, 0x7fffffff),
  },
  "fields that cannot be decoded": {
    rule: "compression",
    code: ErrorCode.compressionError,
    act: (peer) => peer.frame(FrameType.headers, Flag.endHeaders, 1, [0xff]),
  },
  "a frame larger than allowed": {
    rule: "frameSize",
    code: ErrorCode.frameSizeError,
    act: (peer) => peer.body(1, 16_385, false),
  },
  "a CONTINUATION of nothing": {
    rule: "protocol",
    code: ErrorCode.protocolError,
    act: (peer) => peer.frame(FrameType.continuation, Flag.endHeaders, 1),
  },
  "a frame on a stream that has ended": {
    rule: "streamClosed",
    code: ErrorCode.streamClosed,
    act: (peer) => {
      peer.get(3);
      peer.get(1);
    },
  },
};

describe.each(STANDS)("from %s, the connection ends after", (stand) => {
  test.each(Object.keys(BREACHES))("%s", async (name) => {
    const breach = BREACHES[name];
    if (breach === undefined) throw new TypeError(name);
    await counting(stand, breach.rule, async () => {
      const { peer, closed } = await attack(stand);
      breach.act(peer);
      await peer.end();
      expect(peer.lines.at(-1)).toMatch(goaway(breach.code));
      await closed;
    });
  }, ATTACK_TIMEOUT_MS);
});

/** Fields that would be something else in HTTP/1. */
const INJECTIONS = [
  "a: b\r\ntransfer-encoding: chunked",
  "a: b\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a",
  "a: b\nc: d",
  "a: b\rc: d",
  "transfer-encoding: chunked",
  "connection: keep-alive",
  "upgrade: websocket",
  "content-length: 1",
  "content-length: 0, 5",
  "a b: c",
  "a:b: c",
  " a: b",
];

test.each(STANDS)(
  "from %s, nothing is smuggled into requests that become HTTP/1",
  async (stand) => {
    const app = listenHttp(arena.server, ARENA_PORTS.free);
    try {
      const { peer, channel } = await attack(stand, [], ARENA_PORTS.free);
      const marked = "l5d-orig-proto: HTTP/1.1";
      for (const [at, injection] of INJECTIONS.entries()) {
        peer.get(2 * at + 1, [marked, injection]);
      }
      const good = 2 * INJECTIONS.length + 1;
      peer.get(good, [marked, "x-good: yes"]);
      await peer.line(`headers ${good}`);
      for (const at of INJECTIONS.keys()) {
        await peer.line(`rstStream ${2 * at + 1} ${ErrorCode.protocolError}`);
      }
      channel.destroy();
      const heads = app.heard().split("\r\n\r\n").filter((head) => head !== "");
      expect(heads.length).toBeLessThanOrEqual(1);
      expect(app.heard()).not.toContain("smuggled");
      expect(app.heard()).not.toContain("transfer-encoding");
    } finally {
      app.close();
    }
  },
  ATTACK_TIMEOUT_MS,
);

test(
  "many clients, each within its limits, do not end what they share with others",
  async () => {
    let over = false;
    const { peer: other, channel } = await attack("inside");
    const others = async () => {
      for (let id = 1; !over; id += 2) {
        other.get(id);
        expect(await other.line(`headers ${id}`)).toContain(":status: 200");
        other.lines = [];
      }
    };
    const rude = async () => {
      const { peer, channel: own } = await attack("inside");
      for (let round = 0; round < RATES.resets.burst - 50; round++) {
        peer.get(2 * round + 1);
        peer.reset(2 * round + 1, ErrorCode.cancel);
        if (round % 50 === 0) await turn();
      }
      peer.ping();
      await peer.line("ping ack");
      own.destroy();
    };
    const all = Promise.all(Array.from({ length: 8 }, rude));
    await Promise.all([others(), all.finally(() => over = true)]);
    channel.destroy();
    expect(await arena.violations("inbound src", "resets")).toBe(RESET_FLOODS);
  },
  ATTACK_TIMEOUT_MS,
);

test(
  "other requests went on without a failure meanwhile, and memory is flat",
  async () => {
    const { rps, failed, memory } = await arena.settle();
    process.stderr.write(`${JSON.stringify({ rps, memory })}\n`);
    expect(failed).toBe(0);
    expect(rps).toBeGreaterThan(ENOUGH_RPS);
    expect(Math.max(...memory.map(({ peakMb }) => peakMb))).toBeLessThan(
      PEAK_MB,
    );
    expect(Math.max(...memory.map(({ keptMb }) => keptMb))).toBeLessThan(
      KEPT_MB,
    );
  },
  ATTACK_TIMEOUT_MS,
);

/** Attacks above that are rapid resets from outside. */
const RESET_FLOODS = 2;
