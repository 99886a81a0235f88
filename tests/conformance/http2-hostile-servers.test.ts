// Hostile HTTP/2 servers against real proxies that carry other people's requests meanwhile: one outside the mesh, behind
// an outbound proxy, and the application of a pod, behind its own inbound proxy.
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
} from "bun:test";
import { ErrorCode } from "../../proxy/http/message.ts";
import { Flag, FrameType } from "../../proxy/http2/frames.ts";
import {
  type Flood,
  FLOODS,
  FLOODS_OF_SERVERS,
} from "../../proxy/http2/testing/floods.ts";
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
import {
  dialHttp2,
  type Http2Peer,
  listenHttp2,
} from "../testing/http2-peer.ts";
import { MESH_TIMEOUT_MS } from "../testing/mesh.ts";

const ATTACK_TIMEOUT_MS = 30_000;
const CALM = ErrorCode.enhanceYourCalm;

/** Where the server stands: outside the mesh, or as the application of a meshed pod; and whose connection it is on. */
const STANDS = ["outside", "inside"] as const;
type Stand = typeof STANDS[number];
const SIDES: Readonly<Record<Stand, Http2Side>> = {
  outside: "outbound dst",
  inside: "inbound dst",
};

let arena: Arena;
const servers: { close(): void }[] = [];
/** Connections that proxies have opened to the hostile servers. */
let accepted: Record<Stand, (server: Http2Peer) => void>;

beforeAll(async () => {
  arena = await openArena("servers");
  const { server, outsider } = arena;
  const { free, outside } = ARENA_PORTS;
  servers.push(
    listenHttp2(outsider, outside, (peer) => accepted.outside(peer)),
    listenHttp2(server, free, (peer) => accepted.inside(peer)),
  );
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  for (const server of servers) server.close();
  await arena.close();
}, MESH_TIMEOUT_MS);

/** A client that has asked, and the server that has heard it. */
interface Meeting {
  readonly client: RawPeer;
  readonly server: Http2Peer;
}

/** Sends a GET by way of the client's proxy; resolves when the server has got it. */
async function meet(stand: Stand): Promise<Meeting> {
  const server = Promise.withResolvers<Http2Peer>();
  accepted[stand] = (opened) => {
    opened.peer.settings([]);
    server.resolve(opened);
  };
  const { client, serverIp, outsiderIp } = arena;
  const { free, outside } = ARENA_PORTS;
  const { peer, channel } = await dialHttp2(
    client,
    stand === "outside"
      ? { ip: outsiderIp, port: outside }
      : { ip: serverIp, port: free },
  );
  peer.get(1);
  const opened = await server.promise;
  await opened.peer.line("headers 1");
  meetings.push(() => {
    channel.destroy();
    opened.channel.destroy();
  });
  return { client: peer, server: opened };
}

let meetings: (() => void)[] = [];
beforeEach(() => {
  const unexpected = () => {};
  accepted = { outside: unexpected, inside: unexpected };
});
afterEach(() => {
  for (const part of meetings) part();
  meetings = [];
});

/** What the client is told when its request comes to nothing: 502 instead of a response, or a reset in the middle of one. */
async function failure(client: RawPeer): Promise<string> {
  const line = await Promise.race([
    client.line("headers 1 end | :status: 502"),
    client.line("rstStream 1"),
  ]);
  return line.split(" |")[0] ?? "";
}

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

/** Attacks that only servers can do. */
const MORE: Readonly<Record<string, Flood>> = {
  "CONTINUATION without octets": FLOODS["CONTINUATION without octets"] as Flood,
  "CONTINUATION without end": FLOODS["CONTINUATION without end"] as Flood,
  "resets of streams that are no more": {
    limit: "resets",
    round: (peer) => peer.reset(1, ErrorCode.cancel),
  },
  "empty DATA": {
    limit: "emptyData",
    round: (peer, round) => {
      if (round === 0) peer.headers(1, [":status: 200"], Flag.endHeaders);
      peer.body(1, 0, false);
    },
  },
};
const ALL_FLOODS: Readonly<Record<string, Flood>> = {
  ...Object.fromEntries(
    FLOODS_OF_SERVERS.map((name) => [name, FLOODS[name] as Flood]),
  ),
  ...MORE,
};

/** Those that make us answer, and the largest. */
const UNREAD = ["SETTINGS", "PING", "empty DATA", "CONTINUATION without end"];

describe.each(STANDS)(
  "from a server %s, the connection ends after a flood of",
  (stand) => {
    test.each(Object.keys(ALL_FLOODS))("%s", async (name) => {
      const what = ALL_FLOODS[name] as Flood;
      await counting(stand, what.limit, async () => {
        const { client, server } = await meet(stand);
        await flood(server.peer, server.channel, what);
        expect(server.peer.lines.at(-1)).toBe(`goaway 0 ${CALM}`);
        await failure(client);
        await server.closed;
      });
    }, ATTACK_TIMEOUT_MS);

    test.each(UNREAD)(
      "%s, its answers unread",
      async (name) => {
        const what = ALL_FLOODS[name] as Flood;
        await counting(stand, what.limit, async () => {
          const { client, server } = await meet(stand);
          server.channel.pause();
          await flood(server.peer, server.channel, what);
          await failure(client);
          await server.closed;
        });
      },
      ATTACK_TIMEOUT_MS,
    );
  },
);

const OK = ":status: 200";
const head = (peer: RawPeer, ...more: readonly string[]) =>
  peer.headers(1, [OK, ...more], Flag.endHeaders);

/** Responses that HTTP forbids. */
const MALFORMED: Readonly<Record<string, (peer: RawPeer) => void>> = {
  "no status": (peer) => peer.headers(1, ["a: b"]),
  "two statuses": (peer) => peer.headers(1, [OK, OK]),
  "a status that is none": (peer) => peer.headers(1, [":status: 2x0"]),
  "status 101": (peer) => peer.headers(1, [":status: 101"]),
  "a path": (peer) => peer.headers(1, [OK, ":path: /"]),
  "capitals in a name": (peer) => peer.headers(1, [OK, "Server: x"]),
  "a line break in a value": (peer) => peer.headers(1, [OK, "a: b\r\nc: d"]),
  "NUL in a value": (peer) => peer.headers(1, [OK, "a: \0"]),
  "transfer-encoding": (peer) =>
    peer.headers(1, [OK, "transfer-encoding: chunked"]),
  "connection": (peer) => peer.headers(1, [OK, "connection: close"]),
  "a length and no body": (peer) => peer.headers(1, [OK, "content-length: 1"]),
  "a body before the head": (peer) => peer.body(1, 1, false),
  "a body longer than its length": (peer) => {
    head(peer, "content-length: 1");
    peer.body(1, 2, true);
  },
  "a body shorter than its length": (peer) => {
    head(peer, "content-length: 2");
    peer.body(1, 1, true);
  },
  "trailers that do not end the stream": (peer) => {
    head(peer);
    peer.headers(1, ["a: b"], Flag.endHeaders);
  },
  "an informational end": (peer) => peer.headers(1, [":status: 103"]),
};

describe.each(STANDS)(
  "from a server %s, the stream alone ends after a response with",
  (stand) => {
    test.each(Object.keys(MALFORMED))("%s", async (name) => {
      await counting(stand, "malformed", async () => {
        const { client, server: { peer } } = await meet(stand);
        MALFORMED[name]?.(peer);
        await peer.line(`rstStream 1 ${ErrorCode.protocolError}`);
        await failure(client);
        client.get(3);
        await peer.line("headers 3");
        peer.headers(3, [OK]);
        expect(await client.line("headers 3")).toContain(OK);
      });
    }, ATTACK_TIMEOUT_MS);

    test("more than its window", async () => {
      await counting(stand, "flowControl", async () => {
        const { client, server: { peer } } = await meet(stand);
        head(peer);
        // The client gives no more window, so neither does the proxy.
        for (let frame = 0; frame < 12; frame++) peer.body(1, 16_384, false);
        await peer.line(`rstStream 1 ${ErrorCode.flowControlError}`);
        await failure(client);
      });
    }, ATTACK_TIMEOUT_MS);

    test("fields of megabytes", async () => {
      await counting(stand, "headerList", async () => {
        const { client, server: { peer } } = await meet(stand);
        const value = new Uint8Array(1_900).fill(0x61);
        const filler = [0x40, 0x01, 0x61, 0x7f, 0xed, 0x0d, ...value];
        const block = [0x88, ...filler, ...Array(2_000).fill(0xbe)];
        peer.frame(FrameType.headers, Flag.endHeaders, 1, block);
        await peer.line(`rstStream 1 ${CALM}`);
        await failure(client);
      });
    }, ATTACK_TIMEOUT_MS);
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
  "a push": {
    rule: "protocol",
    code: ErrorCode.protocolError,
    act: (peer) =>
      peer.frame(FrameType.pushPromise, Flag.endHeaders, 1, [0, 0, 0, 2, 0x82]),
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
  "a stream that nobody opened": {
    rule: "protocol",
    code: ErrorCode.protocolError,
    act: (peer) => peer.headers(99, [OK]),
  },
  "a window of the connection that overflows": {
    rule: "flowControl",
    code: ErrorCode.flowControlError,
    act: (peer) => peer.windowUpdate(0, 0x7fffffff),
  },
  "settings that are out of range": {
    rule: "flowControl",
    code: ErrorCode.flowControlError,
    act: (peer) => peer.settings([4, 0x80000000]),
  },
};

describe.each(STANDS)(
  "from a server %s, the connection ends after",
  (stand) => {
    test.each(Object.keys(BREACHES))("%s", async (name) => {
      const breach = BREACHES[name];
      if (breach === undefined) throw new TypeError(name);
      await counting(stand, breach.rule, async () => {
        const { client, server } = await meet(stand);
        breach.act(server.peer);
        await server.peer.end();
        expect(server.peer.lines.at(-1)).toBe(`goaway 0 ${breach.code}`);
        await failure(client);
        await server.closed;
      });
    }, ATTACK_TIMEOUT_MS);
  },
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
