import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { FailureAccrual } from "../../schemas/client-policy.ts";
import type { Problem } from "../../schemas/problem.ts";
import { createBalancer, type Member } from "../balance.ts";
import { endpointAt } from "../testing/endpoints.ts";
import type { Breaker } from "./breaker.ts";
import type { PeakEwma } from "./peak-ewma.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

const MAX_FAILURES = 7;
const ACCRUAL: FailureAccrual = {
  kind: "consecutive",
  maxFailures: MAX_FAILURES,
  backOff: { minMs: 1_000, maxMs: 60_000, jitter: 0 },
};
const FIVE = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"];

interface Pod extends Member {
  readonly ip: string;
  readonly breaker: Breaker | null;
}

/** A service of pods, of which those in `failing` answer 500, and a client that asks it. */
function openService(
  ips: readonly string[],
  accrual: FailureAccrual | null = ACCRUAL,
) {
  const failing = new Set<string>();
  const counts = { ready: 0, pending: 0 };
  const closed: string[] = [];
  const balancer = createBalancer<Pod>({
    service: "web:80",
    queue: { capacity: 100, failfastMs: 3_000 },
    load: { defaultRttMs: 30, decayMs: 10_000, penalty: null },
    accrual,
    random: Math.random,
    events: {
      endpoints: (now) => Object.assign(counts, now),
      updated() {},
      gate() {},
      queued() {},
      served() {},
      close() {},
    },
    create: (
      { address: { ip } },
      load: PeakEwma,
      _changed,
      breaker: Breaker | null,
    ) => ({
      ip,
      load,
      breaker,
      ready: true,
      close: () => void closed.push(ip),
    }),
  });
  const set = (...some: readonly string[]) =>
    balancer.update(new Map(some.map((ip) => [`${ip}:80`, endpointAt(ip)])));
  const send = (pod: Pod) => {
    const dispatchedMs = performance.now();
    pod.breaker?.sent();
    return (status: number) =>
      pod.breaker?.answered({
        grpc: false,
        dispatchedMs,
        status,
        grpcStatus: null,
        failure: null,
        head: null,
      });
  };
  /** Asks once; the pod that answered, or null when nobody is ready. */
  const ask = (): string | null => {
    const pod = balancer.pick();
    if (pod === null) return null;
    send(pod)(failing.has(pod.ip) ? 500 : 200);
    return pod.ip;
  };
  /** How often each pod was asked, of so many requests. */
  const shares = (times: number) => {
    const found = new Map<string | null, number>();
    for (let at = 0; at < times; at++) {
      const ip = ask();
      found.set(ip, (found.get(ip) ?? 0) + 1);
    }
    return (ip: string | null) => found.get(ip) ?? 0;
  };
  const wait = () => {
    const came: { pod: Pod | null; problem: Problem | null } = {
      pod: null,
      problem: null,
    };
    balancer.acquire({
      use(pod) {
        came.pod = pod;
        send(pod)(failing.has(pod.ip) ? 500 : 200);
      },
      refuse: (problem) => void (came.problem = problem),
    });
    return came;
  };
  set(...ips);
  return { balancer, failing, counts, closed, set, send, shares, wait };
}

describe("a balancer with failure accrual", () => {
  test("leaves out the one of five that fails, after as many failures as policy says", () => {
    const { balancer, failing, counts, shares } = openService(FIVE);
    failing.add("10.0.0.3");
    const share = shares(1_000);
    expect(share("10.0.0.3")).toBe(MAX_FAILURES);
    expect(share(null)).toBe(0);
    for (const ip of FIVE) {
      if (ip !== "10.0.0.3") expect(share(ip)).toBeGreaterThan(100);
    }
    expect(counts).toEqual({ ready: 4, pending: 1 });
    balancer.close();
  });

  test("tries it with one request each time, after growing back-offs", () => {
    const { balancer, failing, shares } = openService(FIVE);
    failing.add("10.0.0.3");
    shares(1_000);
    for (const shutMs of [1_000, 2_000, 4_000, 8_000]) {
      jest.advanceTimersByTime(shutMs - 1);
      expect(shares(1_000)("10.0.0.3")).toBe(0);
      jest.advanceTimersByTime(1);
      expect(shares(1_000)("10.0.0.3")).toBe(1);
    }
    balancer.close();
  });

  test("takes it back when it is well, and then suffers as much as before", () => {
    const { balancer, failing, counts, shares } = openService(FIVE);
    failing.add("10.0.0.3");
    shares(1_000);
    failing.clear();
    jest.advanceTimersByTime(1_000);
    expect(shares(1_000)("10.0.0.3")).toBeGreaterThan(100);
    expect(counts).toEqual({ ready: 5, pending: 0 });
    failing.add("10.0.0.3");
    expect(shares(1_000)("10.0.0.3")).toBe(MAX_FAILURES);
    jest.advanceTimersByTime(1_000);
    expect(shares(1_000)("10.0.0.3")).toBe(1);
    balancer.close();
  });

  test("sends nothing else to it while it is tried", () => {
    const { balancer, failing, counts, send, shares } = openService(FIVE);
    failing.add("10.0.0.3");
    shares(1_000);
    jest.advanceTimersByTime(1_000);
    expect(counts).toEqual({ ready: 5, pending: 0 });
    const found = Array.from({ length: 1_000 }, () => balancer.pick())
      .find((pod) => pod?.ip === "10.0.0.3");
    if (!found) throw new Error("it is never picked");
    const answer = send(found);
    expect(counts).toEqual({ ready: 4, pending: 1 });
    expect(shares(1_000)("10.0.0.3")).toBe(0);
    answer(200);
    expect(counts).toEqual({ ready: 5, pending: 0 });
    balancer.close();
  });

  test("fails fast when all are left out, and says so", () => {
    const { balancer, failing, counts, shares, wait } = openService(FIVE);
    for (const ip of FIVE) failing.add(ip);
    const share = shares(1_000);
    for (const ip of FIVE) expect(share(ip)).toBe(MAX_FAILURES);
    expect(counts).toEqual({ ready: 0, pending: 5 });
    jest.advanceTimersByTime(999);
    // Those whom the tries of all five do not serve are refused when the first has waited for 3 s.
    const waiting = Array.from({ length: 20 }, wait);
    jest.advanceTimersByTime(3_000);
    const refused = waiting.filter(({ problem }) => problem !== null);
    expect(refused).toHaveLength(10);
    for (const { problem } of refused) {
      expect(problem?.code).toBe("failfast");
      expect(problem?.message)
        .toContain("5 endpoints known, 0 ready, 5 ejected");
      expect(problem?.hint).toContain("check why its pods fail");
    }
    const late = wait();
    expect(late.problem?.code).toBe("loadshed");
    expect(balancer.available).toBeFalse();
    balancer.close();
  });

  test("hands who waits the endpoint that is to be tried", () => {
    const { balancer, failing, counts, shares, wait } = openService([
      "10.0.0.1",
    ]);
    failing.add("10.0.0.1");
    shares(MAX_FAILURES);
    const [first, second] = [wait(), wait()];
    failing.clear();
    jest.advanceTimersByTime(1_000);
    expect([first.pod?.ip, second.pod?.ip]).toEqual(["10.0.0.1", "10.0.0.1"]);
    expect(counts).toEqual({ ready: 1, pending: 0 });
    balancer.close();
  });

  test("does not give out by address what is left out", () => {
    const { balancer, failing, shares } = openService(["10.0.0.1"]);
    const { address } = endpointAt("10.0.0.1");
    expect(balancer.at(address)?.ip).toBe("10.0.0.1");
    failing.add("10.0.0.1");
    shares(MAX_FAILURES);
    expect(balancer.at(address)).toBeNull();
    jest.advanceTimersByTime(1_000);
    expect(balancer.at(address)).toBeNull();
    balancer.close();
  });

  test("forgets an endpoint that is removed, and its timer", () => {
    const { balancer, failing, counts, closed, set, shares } = openService(
      FIVE,
    );
    failing.add("10.0.0.3");
    shares(1_000);
    expect(jest.getTimerCount()).toBe(1);
    set("10.0.0.1", "10.0.0.2");
    expect([jest.getTimerCount(), closed]).toEqual([0, FIVE.slice(2)]);
    expect(counts).toEqual({ ready: 2, pending: 0 });
    set(...FIVE);
    expect(counts).toEqual({ ready: 5, pending: 0 });
    balancer.close();
  });

  test("keeps one that is left out through updates", () => {
    const { balancer, failing, counts, set, shares } = openService(FIVE);
    failing.add("10.0.0.3");
    shares(1_000);
    set(...FIVE, "10.0.0.6");
    expect(counts).toEqual({ ready: 5, pending: 1 });
    expect(shares(1_000)("10.0.0.3")).toBe(0);
    balancer.close();
  });

  test("does not touch another service's endpoints at the same addresses", () => {
    const broken = openService(FIVE);
    const other = openService(FIVE);
    for (const ip of FIVE) broken.failing.add(ip);
    broken.shares(1_000);
    expect(broken.counts).toEqual({ ready: 0, pending: 5 });
    expect(other.shares(1_000)(null)).toBe(0);
    expect(other.counts).toEqual({ ready: 5, pending: 0 });
    broken.balancer.close();
    other.balancer.close();
  });

  test("without a policy leaves nobody out", () => {
    const { balancer, failing, counts, shares } = openService(FIVE, null);
    for (const ip of FIVE) failing.add(ip);
    expect(shares(1_000)(null)).toBe(0);
    expect(counts).toEqual({ ready: 5, pending: 0 });
    balancer.close();
  });
});
