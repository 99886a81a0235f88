import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { Backend, ClientPolicy } from "../../schemas/client-policy.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Lane } from "../direction.ts";
import { FakeControl } from "../testing/fake-control.ts";
import { requestHead } from "../testing/http1.ts";
import {
  backendAt,
  backendOf,
  detectPolicy,
  httpPolicy,
  opaquePolicy,
  splitRoute,
  weighted,
} from "../testing/policies.ts";
import { createRegistry } from "../record.ts";
import { createFamilies } from "../record/families.ts";
import type { Upstreams } from "./backend.ts";
import { createOutboundRecorder } from "./recorder.ts";
import type { Target } from "./target.ts";
import { createTargets } from "./targets.ts";

const IDLE_MS = 5_000;
const ADDRESS = { ip: "10.96.0.7", port: 80 };
const NAME = "10.96.0.7:80";

/** Upstreams that only know which backend they are, and whether they are closed. */
interface FakeUpstreams extends Upstreams<never> {
  readonly backend: Backend;
  closed: boolean;
}

let control: FakeControl;
let opened: FakeUpstreams[];
/** What chance gives. */
let draw: number;
let targets: ReturnType<typeof createTargets>;
beforeEach(() => {
  jest.useFakeTimers();
  control = new FakeControl();
  opened = [];
  draw = 0;
  const open = (backend: Backend): FakeUpstreams => {
    const upstreams: FakeUpstreams = {
      backend,
      closed: false,
      available: true,
      ready: true,
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
  const families = createFamilies(createRegistry({ retainIdleMs: 0 }));
  targets = createTargets({
    discover: { control, profileNetworks: [], detectTimeoutMs: 1_000 },
    idleMs: IDLE_MS,
    openHttp: open,
    openTcp: open,
    openTls: open,
    families: families.outbound,
    random: () => draw,
    hostnames: false,
    record: createOutboundRecorder(families).target,
  });
});
afterEach(() => {
  targets.close();
  expect([jest.getTimerCount(), control.clientPolicies.open]).toEqual([0, []]);
  jest.useRealTimers();
});

/** The backend that a request is given; throws when it has no way. */
function laneOf(target: Target): Lane {
  const way = target.route(requestHead("GET", "/", { host: "a" }));
  if (way instanceof Problem) throw way;
  return way.payload.choose();
}

/** The same, used. */
function send(target: Target): Lane {
  const lane = laneOf(target);
  lane.pick();
  return lane;
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
    answer(detectPolicy(backendOf("web:80")));
    send(target);
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
    const first = detectPolicy(backendOf("web:80"));
    const second = detectPolicy(backendOf("web:81"));
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
    answer(detectPolicy(backendOf("web:80")));
    expect(calls).toBe(1);
  });

  test("opens backends when they are first asked for, each kind once", () => {
    const target = targets.take(ADDRESS);
    answer(detectPolicy(backendOf("web:80")));
    expect(opened).toEqual([]);
    send(target);
    send(target);
    target.routeTcp(null).choose().pick();
    expect(opened.length).toBe(2);
  });

  test("keeps them while policy says the same", () => {
    const target = targets.take(ADDRESS);
    answer(detectPolicy(backendOf("web:80")));
    const before = send(target);
    answer(detectPolicy(backendOf("web:80")));
    expect(send(target)).toBe(before);
  });

  test("opens others when the backend changes, and closes these", () => {
    const target = targets.take(ADDRESS);
    answer(detectPolicy(backendOf("web:80")));
    const before = send(target);
    answer(detectPolicy(backendAt("10.0.0.9")));
    send(target);
    expect(opened.map(({ closed }) => closed)).toEqual([true, false]);
    expect(before.closed).toBeTrue();
  });

  test("keeps a backend over every policy that sends there", () => {
    const target = targets.take(ADDRESS);
    const one = backendOf("one:80");
    const two = backendOf("two:80");
    const split = (first: number, second: number) =>
      httpPolicy(splitRoute(weighted([one, first], [two, second])));
    answer(split(9, 1));
    send(target);
    draw = 0.95;
    send(target);
    answer(split(0, 1));
    draw = 0;
    send(target);
    answer(httpPolicy(splitRoute(weighted([two, 1]), { filters: [] })));
    send(target);
    expect(opened.map(({ backend, closed }) => [backend, closed]))
      .toEqual([[one, true], [two, false]]);
  });

  test("sends to a backend of several rules through one", () => {
    const target = targets.take(ADDRESS);
    const all = weighted([backendOf("web:80"), 1]);
    const path = { kind: "prefix", path: "/" } as const;
    const matches = [{ path, headers: [], queryParams: [], method: "GET" }];
    answer(httpPolicy(splitRoute(all), splitRoute(all, { matches })));
    send(target);
    const head = requestHead("POST", "/", { host: "a" });
    const way = target.route(head);
    if (way instanceof Problem) throw way;
    way.payload.choose().pick();
    expect(opened.length).toBe(1);
  });

  test("finds one of 1,000 routes, and shares what they share", () => {
    const target = targets.take(ADDRESS);
    const routes = Array.from({ length: 1_000 }, (_, at) => {
      const path = { kind: "exact", path: `/${at}` } as const;
      return splitRoute(weighted([backendOf(`${at % 10}:80`), 1]), {
        matches: [{ path, headers: [], queryParams: [], method: null }],
      });
    });
    answer(httpPolicy(...routes));
    for (const at of [0, 777, 999]) {
      const head = requestHead("GET", `/${at}`, { host: "a" });
      const way = target.route(head);
      if (way instanceof Problem) throw way;
      way.payload.choose().pick();
    }
    expect(opened.map(({ backend }) => backend)).toEqual([
      backendOf("0:80"),
      backendOf("7:80"),
      backendOf("9:80"),
    ]);
  });

  test.each([true, false])(
    "a policy of another kind leaves live traffic alone, opened before: %p",
    (before) => {
      const target = targets.take(ADDRESS);
      answer(detectPolicy(backendOf("web:80")));
      if (before) send(target);
      answer(opaquePolicy(backendOf("web:80")));
      send(target);
      expect(opened.map(({ closed }) => closed)).toEqual([false]);
    },
  );

  test("refuses what its policy has never carried", () => {
    const target = targets.take(ADDRESS);
    answer(opaquePolicy(backendOf("web:80")));
    expect(() => laneOf(target)).toThrow("no route for this traffic");
    target.routeTcp(null).choose().pick();
    expect(opened.length).toBe(1);
  });

  test("says that its routes do not take a request", () => {
    const target = targets.take(ADDRESS);
    answer(httpPolicy());
    expect(() => laneOf(target))
      .toThrow("no route: default test has 0, and none takes this request");
  });
});
