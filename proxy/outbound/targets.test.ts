import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { ClientPolicy, ClientRoute } from "../../schemas/policy.ts";
import type { Problem } from "../../schemas/problem.ts";
import { FakeControl } from "../testing/fake-control.ts";
import {
  detectPolicy,
  opaquePolicy,
  routeTo,
  routeToAddress,
} from "../testing/policies.ts";
import { createRegistry } from "../record.ts";
import { createFamilies } from "../record/families.ts";
import type { Upstreams } from "./backend.ts";
import { createOutboundRecorder } from "./recorder.ts";
import { createTargets } from "./targets.ts";

const IDLE_MS = 5_000;
const ADDRESS = { ip: "10.96.0.7", port: 80 };
const NAME = "10.96.0.7:80";

/** Upstreams that only know which route they are of, and whether they are closed. */
interface FakeUpstreams extends Upstreams<never> {
  readonly route: ClientRoute;
  closed: boolean;
}

let control: FakeControl;
let opened: FakeUpstreams[];
let targets: ReturnType<typeof createTargets>;
beforeEach(() => {
  jest.useFakeTimers();
  control = new FakeControl();
  opened = [];
  const open = (route: ClientRoute): FakeUpstreams => {
    const upstreams: FakeUpstreams = {
      route,
      closed: false,
      pick: () => null,
      at: () => null,
      wait() {},
      withdraw() {},
      close() {
        upstreams.closed = true;
      },
    };
    opened.push(upstreams);
    return upstreams;
  };
  targets = createTargets({
    discover: { control, profileNetworks: [], detectTimeoutMs: 1_000 },
    idleMs: IDLE_MS,
    openHttp: open,
    openTcp: open,
    record: createOutboundRecorder(
      createFamilies(createRegistry({ retainIdleMs: 0 })),
    ).target,
  });
});
afterEach(() => {
  targets.close();
  expect([jest.getTimerCount(), control.clientPolicies.open]).toEqual([0, []]);
  jest.useRealTimers();
});

/** The problem with which upstreams refuse. */
function refusalOf(upstreams: Upstreams<unknown>): Problem | null {
  let refusal: Problem | null = null;
  upstreams.wait({ use() {}, refuse: (problem) => void (refusal = problem) });
  return refusal;
}

const answer = (policy: ClientPolicy) =>
  control.clientPolicies.next(NAME, policy);

describe("createTargets()", () => {
  test("looks an address up once for all who take it", () => {
    const one = targets.take(ADDRESS);
    const two = targets.take({ ...ADDRESS });
    expect(two).toBe(one);
    expect(control.clientPolicies.asked).toEqual([NAME]);
  });

  test("forgets a target that nobody has used for a while", () => {
    const target = targets.take(ADDRESS);
    answer(detectPolicy(routeTo("web:80")));
    target.http();
    target.release();
    jest.advanceTimersByTime(IDLE_MS - 10);
    expect(control.clientPolicies.open).toEqual([NAME]);
    jest.advanceTimersByTime(10);
    expect(control.clientPolicies.open).toEqual([]);
    expect(opened.map(({ closed }) => closed)).toEqual([true]);
    targets.take(ADDRESS);
    expect(control.clientPolicies.asked).toEqual([NAME, NAME]);
  });

  test("keeps a target that is taken again, or has another user", () => {
    const target = targets.take(ADDRESS);
    targets.take(ADDRESS);
    target.release();
    jest.advanceTimersByTime(2 * IDLE_MS);
    target.release();
    jest.advanceTimersByTime(IDLE_MS - 10);
    targets.take(ADDRESS);
    jest.advanceTimersByTime(2 * IDLE_MS);
    expect(control.clientPolicies.asked).toEqual([NAME]);
  });
});

describe("a target", () => {
  test("calls back with its first policy, and tells the one in force", () => {
    const target = targets.take(ADDRESS);
    const calls: ClientPolicy[] = [];
    target.ready((policy) => calls.push(policy));
    expect([target.policy, calls]).toEqual([null, []]);
    const first = detectPolicy(routeTo("web:80"));
    const second = detectPolicy(routeTo("web:81"));
    answer(first);
    answer(second);
    expect(calls).toEqual([first]);
    expect(target.policy).toEqual(second);
  });

  test("does not call back who has stopped to wait", () => {
    const target = targets.take(ADDRESS);
    let calls = 0;
    const forget = target.ready(() => void calls++);
    target.ready(() => void calls++);
    forget();
    answer(detectPolicy(routeTo("web:80")));
    expect(calls).toBe(1);
  });

  test("opens upstreams when they are first asked for, each kind once", () => {
    const target = targets.take(ADDRESS);
    answer(detectPolicy(routeTo("web:80")));
    expect(opened).toEqual([]);
    expect(target.http()).toBe(target.http());
    expect(target.tcp()).not.toBe(target.http());
    expect(opened.length).toBe(2);
  });

  test("keeps them while the route stays the same", () => {
    const target = targets.take(ADDRESS);
    answer(detectPolicy(routeTo("web:80")));
    const before = target.http();
    answer(detectPolicy(routeTo("web:80")));
    expect(target.http()).toBe(before);
  });

  test("opens others when the route changes, and closes these", () => {
    const target = targets.take(ADDRESS);
    answer(detectPolicy(routeTo("web:80")));
    target.http();
    answer(detectPolicy(routeToAddress("10.0.0.9")));
    target.http();
    expect(opened.map(({ closed }) => closed)).toEqual([true, false]);
  });

  test.each([true, false])(
    "a policy of another kind leaves live traffic alone, opened before: %p",
    (before) => {
      const target = targets.take(ADDRESS);
      answer(detectPolicy(routeTo("web:80")));
      if (before) target.http();
      answer(opaquePolicy(routeTo("web:80")));
      expect(refusalOf(target.http())).toBeNull();
      expect(opened.map(({ closed }) => closed)).toEqual([false]);
    },
  );

  test("refuses what its policy has never carried", () => {
    const target = targets.take(ADDRESS);
    answer(opaquePolicy(routeTo("web:80")));
    expect(refusalOf(target.http())?.code).toBe("forbidden");
    expect(refusalOf(target.tcp())).toBeNull();
  });
});
