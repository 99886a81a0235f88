import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { Backend } from "../../schemas/client-policy.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Member } from "../balance.ts";
import type { PeakEwma } from "../balance/peak-ewma.ts";
import { endpointAt } from "../testing/endpoints.ts";
import { FakeControl } from "../testing/fake-control.ts";
import { createUpstreams, refuseAll, type Upstreams } from "./backend.ts";

const PATH = "web.shop.svc.cluster.local:80";
const META = { kind: "default", name: "test" } as const;
type Live = Exclude<Backend, { readonly kind: "nowhere" }>;
const BALANCER: Live = {
  kind: "balancer",
  meta: META,
  path: PATH,
  load: { defaultRttMs: 50, decayMs: 10_000, penalty: null },
};

interface TestMember extends Member {
  readonly ip: string;
  readonly authority: string | undefined;
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

let control: FakeControl;
let closed: string[];

function open(backend: Live): Upstreams<TestMember> {
  control = new FakeControl();
  closed = [];
  return createUpstreams<TestMember>(backend, {
    control,
    queue: { capacity: 10, failfastMs: 3_000 },
    accrual: null,
    events: {
      endpoints() {},
      updated() {},
      gate() {},
      queued() {},
      served() {},
      close: () => void closed.push("metrics"),
    },
    random: () => 0,
    create: ({ address: { ip } }, authority, load: PeakEwma) => ({
      ip,
      authority,
      load,
      ready: true,
      close: () => void closed.push(ip),
    }),
  });
}

/** The code with which a waiter is refused in time. */
function waitFor(upstreams: Upstreams<TestMember>, ms: number): string | null {
  let code: string | null = null;
  const waiter = {
    use: ({ ip }: TestMember) => void (code = ip),
    refuse: (problem: Problem) => void (code = problem.code),
  };
  upstreams.wait(waiter);
  jest.advanceTimersByTime(ms);
  upstreams.withdraw(waiter);
  return code;
}

describe("createUpstreams() of a name", () => {
  test("follows its endpoints, with the policy's load and the name as authority", () => {
    const upstreams = open(BALANCER);
    expect([control.endpoints.open, upstreams.pick()]).toEqual([[PATH], null]);
    control.endpoints.next(PATH, new Map([["a", endpointAt("10.0.0.1")]]));
    const picked = upstreams.pick();
    expect([picked?.ip, picked?.authority]).toEqual(["10.0.0.1", PATH]);
    expect(picked?.load.cost(performance.now())).toBeCloseTo(50, 3);
    upstreams.close();
  });

  test("that discovery refuses has no endpoints: it fails fast", () => {
    const upstreams = open(BALANCER);
    control.endpoints.refuse(PATH);
    expect(waitFor(upstreams, 3_000)).toBe("failfast");
    upstreams.close();
  });

  test("of which nothing is heard fails fast too", () => {
    const upstreams = open(BALANCER);
    expect(waitFor(upstreams, 2_900)).toBeNull();
    expect(waitFor(upstreams, 3_000)).toBe("failfast");
    upstreams.close();
  });

  test("closed, watches no more and closes its endpoints", () => {
    const upstreams = open(BALANCER);
    control.endpoints.next(PATH, new Map([["a", endpointAt("10.0.0.1")]]));
    upstreams.close();
    expect([control.endpoints.open, closed]).toEqual([[], [
      "10.0.0.1",
      "metrics",
    ]]);
    expect(waitFor(upstreams, 0)).toBe("failfast");
  });
});

test("createUpstreams() of an address asks nobody and has no authority", () => {
  const endpoint = endpointAt("10.0.0.9", 5_432);
  const upstreams = open({ kind: "forward", meta: META, endpoint });
  expect(control.endpoints.asked).toEqual([]);
  expect(upstreams.pick()).toMatchObject({ ip: "10.0.0.9" });
  expect(upstreams.pick()?.authority).toBeUndefined();
  upstreams.close();
});

test("refuseAll() refuses with its message", () => {
  const refusing = refuseAll<TestMember>(new Problem("forbidden", "no"));
  expect(refusing.pick()).toBeNull();
  expect(waitFor(refusing, 0)).toBe("forbidden");
  refusing.close();
});
