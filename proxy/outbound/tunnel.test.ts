import { afterEach, describe, expect, test } from "bun:test";
import type { Endpoint } from "../../schemas/destination.ts";
import { Problem } from "../../schemas/problem.ts";
import { listenTcp, type SocketChannel } from "../socket.ts";
import { createEndpointBed, THIS_HOST } from "../testing/endpoint-bed.ts";
import { endpointAt } from "../testing/endpoints.ts";
import { FakeControl } from "../testing/fake-control.ts";
import { createUpstreams, refuseAll, type Upstreams } from "./backend.ts";
import { createTcpUpstream, type TcpUpstream } from "./tcp-upstream.ts";
import { openTunnel } from "./tunnel.ts";

const META = { kind: "default", name: "test" } as const;
const LOAD = { defaultRttMs: 30, decayMs: 10_000, penalty: null };

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function listen(): Endpoint {
  const accepted: SocketChannel[] = [];
  const listener = listenTcp(
    { ip: THIS_HOST, port: 0 },
    {},
    (channel) => void accepted.push(channel),
  );
  closing.push(() => {
    listener.close();
    for (const channel of accepted) channel.destroy();
  });
  return endpointAt(THIS_HOST, listener.address.port);
}

const wayTo = (upstreams: Upstreams<TcpUpstream>) => ({
  choose: () => upstreams,
});

/** An endpoint where nobody listens any more. */
function dead(): Endpoint {
  const listener = listenTcp({ ip: THIS_HOST, port: 0 }, {}, () => {});
  listener.close();
  return endpointAt(THIS_HOST, listener.address.port);
}

/** Upstreams over these endpoints, tried in this order while their loads are equal. */
function upstreamsOf(
  endpoints: readonly Endpoint[],
): { upstreams: Upstreams<TcpUpstream>; tried: Endpoint[] } {
  const { context } = createEndpointBed(null);
  const control = new FakeControl();
  const tried: Endpoint[] = [];
  const upstreams = createUpstreams<TcpUpstream>(
    { kind: "balancer", meta: META, path: "db:5432", load: LOAD },
    {
      control,
      queue: { capacity: 10, failfastMs: 20 },
      accrual: null,
      events: {
        endpoints() {},
        updated() {},
        gate() {},
        queued() {},
        served() {},
        close() {},
      },
      random: () => 0,
      create(endpoint, authority, load) {
        const upstream = createTcpUpstream(endpoint, authority, load, context);
        const open = (session: "detect" | null) => {
          tried.push(endpoint);
          return upstream.open(session);
        };
        return { ...upstream, open };
      },
    },
  );
  closing.push(upstreams.close);
  control.endpoints.next(
    "db:5432",
    new Map(endpoints.map((endpoint, at) => [String(at), endpoint])),
  );
  return { upstreams, tried };
}

async function problemOf(opening: Promise<unknown>): Promise<Problem> {
  try {
    await opening;
  } catch (error) {
    if (error instanceof Problem) return error;
  }
  throw new Error("was opened");
}

describe("openTunnel()", () => {
  test("opens a connection to an endpoint, its load the time it takes", async () => {
    const live = listen();
    const { upstreams } = upstreamsOf([live]);
    const { channel, address } = await openTunnel(wayTo(upstreams), null);
    expect([address, channel.remote]).toEqual([live.address, live.address]);
    const upstream = upstreams.pick();
    expect(upstream?.load.pending).toBe(0);
    expect(upstream?.load.cost(performance.now())).toBeLessThan(1_000);
    channel.destroy();
  });

  test("tries another endpoint when one has gone, though it refuses quickly", async () => {
    const [gone, live] = [dead(), listen()];
    const { upstreams, tried } = upstreamsOf([gone, live]);
    const { channel, address } = await openTunnel(wayTo(upstreams), null);
    expect(address).toEqual(live.address);
    expect(tried).toEqual([gone, live]);
    channel.destroy();
    (await openTunnel(wayTo(upstreams), null)).channel.destroy();
    expect(tried.length).toBe(3);
    expect(tried[2]).toBe(live);
  });

  test("gives up after three, with the last one's reason", async () => {
    const { upstreams, tried } = upstreamsOf([dead(), dead(), dead(), dead()]);
    const problem = await problemOf(openTunnel(wayTo(upstreams), null));
    expect([problem.code, tried.length]).toEqual(["connect.failed", 3]);
  });

  test("waits for an endpoint as long as the queue lets it", async () => {
    const { upstreams, tried } = upstreamsOf([]);
    const problem = await problemOf(openTunnel(wayTo(upstreams), null));
    expect([problem.code, tried]).toEqual(["failfast", []]);
  });

  test("is refused what policy refuses", async () => {
    const refusing = refuseAll<TcpUpstream>(new Problem("forbidden", "no"));
    expect((await problemOf(openTunnel(wayTo(refusing), null))).code)
      .toBe("forbidden");
  });
});
