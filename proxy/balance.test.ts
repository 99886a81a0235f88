import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { Endpoint, EndpointSet } from "../schemas/destination.ts";
import type { Problem } from "../schemas/problem.ts";
import { type Balancer, createBalancer, type Member } from "./balance.ts";
import type { PeakEwma } from "./balance/peak-ewma.ts";
import { endpointAt } from "./testing/endpoints.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** An endpoint whose readiness the test decides. */
class FakeMember implements Member {
  ready: boolean;
  closed = 0;
  readonly endpoint: Endpoint;
  readonly load: PeakEwma;
  readonly changed: () => void;
  whenClosed: () => void = () => {};

  constructor(
    endpoint: Endpoint,
    load: PeakEwma,
    changed: () => void,
    ready: boolean,
  ) {
    this.endpoint = endpoint;
    this.load = load;
    this.changed = changed;
    this.ready = ready;
  }

  get ip(): string {
    return this.endpoint.address.ip;
  }

  turn(ready: boolean): void {
    this.ready = ready;
    this.changed();
  }

  close(): void {
    this.closed++;
    this.whenClosed();
  }
}

function openBalancer(ready = true) {
  const members: FakeMember[] = [];
  const events: string[] = [];
  const balancer: Balancer<FakeMember> = createBalancer<FakeMember>({
    service: "web:80",
    queue: { capacity: 10, failfastMs: 3_000 },
    load: { defaultRttMs: 30, decayMs: 10_000, penalty: null },
    accrual: null,
    random: () => 0,
    events: {
      endpoints: ({ ready, pending }) => events.push(`${ready}+${pending}`),
      updated: ({ added, removed }) => events.push(`+${added} -${removed}`),
      gate() {},
      queued: (length) => events.push(`queued ${length}`),
      served: () => events.push("served"),
      close: () => events.push("close"),
    },
    create(endpoint, load, changed) {
      const member = new FakeMember(endpoint, load, changed, ready);
      members.push(member);
      return member;
    },
  });
  const wait = () => {
    const came: { ip: string | null; problem: Problem | null } = {
      ip: null,
      problem: null,
    };
    balancer.acquire({
      use: (member) => void (came.ip = member.ip),
      refuse: (problem) => void (came.problem = problem),
    });
    return came;
  };
  return { balancer, members, events, wait };
}

function setOf(...ips: readonly string[]): EndpointSet {
  return new Map(ips.map((ip) => [`${ip}:80`, endpointAt(ip)]));
}

describe("createBalancer()", () => {
  test("gives a ready endpoint at once and counts it", () => {
    const { balancer, events } = openBalancer();
    balancer.update(setOf("10.0.0.1"));
    expect(balancer.pick()?.ip).toBe("10.0.0.1");
    expect(events).toEqual(["+1 -0", "1+0", "served"]);
    balancer.close();
  });

  test("gives the endpoint at an address, ready or not, while there is one", () => {
    const { balancer, events } = openBalancer(false);
    balancer.update(setOf("10.0.0.1", "10.0.0.2"));
    expect(balancer.at(endpointAt("10.0.0.2").address)?.ip).toBe("10.0.0.2");
    expect(events.pop()).toBe("served");
    expect(balancer.at(endpointAt("10.0.0.3").address)).toBeNull();
    balancer.close();
  });

  test("keeps an endpoint that comes again, with its load", () => {
    const { balancer, members } = openBalancer();
    balancer.update(setOf("10.0.0.1", "10.0.0.2"));
    members[0]?.load.sample(500, performance.now());
    balancer.update(setOf("10.0.0.3", "10.0.0.1"));
    expect(members.map(({ ip, closed }) => `${ip} ${closed}`)).toEqual([
      "10.0.0.1 0",
      "10.0.0.2 1",
      "10.0.0.3 0",
    ]);
    expect(members[0]?.load.cost(performance.now())).toBe(500);
    balancer.close();
  });

  test("replaces an endpoint whose description has changed", () => {
    const { balancer, members, events } = openBalancer();
    balancer.update(setOf("10.0.0.1"));
    const changed = { ...endpointAt("10.0.0.1"), labels: { zone: "b" } };
    balancer.update(new Map([["10.0.0.1:80", changed]]));
    expect(members.map(({ closed }) => closed)).toEqual([1, 0]);
    expect(events.slice(2, 4)).toEqual(["+1 -1", "1+0"]);
    balancer.close();
  });

  test("passes over endpoints that are not ready", () => {
    const { balancer, members, events } = openBalancer();
    balancer.update(setOf("10.0.0.1", "10.0.0.2"));
    members[0]?.turn(false);
    expect(events.at(-1)).toBe("1+1");
    for (let round = 0; round < 5; round++) {
      expect(balancer.pick()?.ip).toBe("10.0.0.2");
    }
    balancer.close();
  });

  test("tells whether it has somebody ready, and whether it fails fast", () => {
    const { balancer, members, wait } = openBalancer(false);
    balancer.update(setOf("10.0.0.1"));
    wait();
    expect([balancer.ready, balancer.available]).toEqual([false, true]);
    jest.advanceTimersByTime(3_000);
    expect([balancer.ready, balancer.available]).toEqual([false, false]);
    members[0]?.turn(true);
    expect([balancer.ready, balancer.available]).toEqual([true, true]);
    balancer.close();
  });

  test("notices by itself that an endpoint is ready no more", () => {
    const { balancer, members, events, wait } = openBalancer();
    balancer.update(setOf("10.0.0.1", "10.0.0.2"));
    const [first, second] = members;
    if (first === undefined || second === undefined) throw new Error("none");
    first.ready = false;
    expect(balancer.pick()).toBe(second);
    expect(events).toContain("1+1");
    second.ready = false;
    const came = wait();
    expect(came.ip).toBeNull();
    first.turn(true);
    expect(came.ip).toBe("10.0.0.1");
    balancer.close();
  });

  test("hands who waits the first endpoint that becomes ready", () => {
    const { balancer, members, wait } = openBalancer(false);
    balancer.update(setOf("10.0.0.1"));
    expect(balancer.pick()).toBeNull();
    const came = wait();
    members[0]?.turn(true);
    expect(came.ip).toBe("10.0.0.1");
    balancer.close();
  });

  test("hands who waits an endpoint that is discovered later", () => {
    const { balancer, wait } = openBalancer();
    const came = wait();
    jest.advanceTimersByTime(2_999);
    balancer.update(setOf("10.0.0.9"));
    expect(came.ip).toBe("10.0.0.9");
    balancer.close();
  });

  test("without endpoints fails fast, never falls back", () => {
    const { balancer, wait } = openBalancer();
    balancer.update(setOf());
    const came = wait();
    jest.advanceTimersByTime(3_000);
    expect(came.problem?.code).toBe("failfast");
    balancer.close();
  });

  test("never gives a removed endpoint, even to those whom its end sends back", () => {
    const { balancer, members, wait } = openBalancer();
    balancer.update(setOf("10.0.0.1"));
    const came: (string | null)[] = [];
    for (const member of members) {
      member.whenClosed = () => came.push(wait().ip);
    }
    balancer.update(setOf("10.0.0.2"));
    expect(came).toEqual(["10.0.0.2"]);
    balancer.close();
  });

  test("closed, closes all, tells its metrics last and refuses who comes", () => {
    const { balancer, members, events, wait } = openBalancer();
    balancer.update(setOf("10.0.0.1", "10.0.0.2"));
    const came: (string | undefined)[] = [];
    for (const member of members) {
      member.whenClosed = () => came.push(wait().problem?.code);
    }
    balancer.close();
    balancer.close();
    expect(members.map(({ closed }) => closed)).toEqual([1, 1]);
    expect(came).toEqual(["failfast", "failfast"]);
    expect(events.slice(-3)).toEqual(["0+0", "queued 0", "close"]);
    members[0]?.turn(false);
    expect(events.at(-1)).toBe("close");
  });
});
