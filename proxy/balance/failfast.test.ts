import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { Problem } from "../../schemas/problem.ts";
import { createQueue, type Waiter } from "./failfast.ts";

const FAILFAST_MS = 3_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** Somebody who waits, and what came of it. */
class Visitor implements Waiter<string> {
  got: string | null = null;
  problem: Problem | null = null;
  calls = 0;

  use(member: string): void {
    this.calls++;
    this.got = member;
  }

  refuse(problem: Problem): void {
    this.calls++;
    this.problem = problem;
  }
}

function openQueue(capacity = 10) {
  const events: string[] = [];
  const census = { service: "web:80", known: 0, ready: 0, ejected: 0 };
  const queue = createQueue<string>({ capacity, failfastMs: FAILFAST_MS }, {
    gate: (open) => events.push(open ? "open" : "shut"),
    queued: (length) => events.push(`queued ${length}`),
    served: (ms) => events.push(`served after ${ms}`),
  }, () => census);
  const come = () => {
    const visitor = new Visitor();
    queue.wait(visitor);
    return visitor;
  };
  return { queue, events, census, come };
}

describe("createQueue()", () => {
  test("serves in the order of arrival, as long as there are members", () => {
    const { queue, events, come } = openQueue();
    const [first, second, third] = [come(), come(), come()];
    jest.advanceTimersByTime(1_000);
    const members = ["a", "b"];
    queue.serve(() => members.shift() ?? null);
    expect([first.got, second.got, third.got]).toEqual(["a", "b", null]);
    expect(events.slice(-4)).toEqual([
      "queued 2",
      "served after 1000",
      "queued 1",
      "served after 1000",
    ]);
    queue.withdraw(third);
  });

  test("fails all when the first has waited too long, then the next at once", () => {
    const { events, census, come } = openQueue();
    census.known = 2;
    const first = come();
    jest.advanceTimersByTime(FAILFAST_MS - 1);
    const second = come();
    expect(first.problem).toBeNull();
    jest.advanceTimersByTime(1);
    expect([first.problem?.code, second.problem?.code])
      .toEqual(["failfast", "failfast"]);
    expect(first.problem?.message).toMatch(
      /^service web:80 in fail-fast since 20.*Z: 2 endpoints known, 0 ready, 0 ejected$/,
    );
    expect(events.slice(-2)).toEqual(["shut", "queued 0"]);
    expect(come().problem?.code).toBe("loadshed");
  });

  test("says what to check, by what is known", () => {
    const { census, come } = openQueue();
    const none = come();
    jest.advanceTimersByTime(FAILFAST_MS);
    expect(none.problem?.hint).toContain("Service selects");
    census.known = 1;
    expect(come().problem?.hint).toContain("accept connections");
    census.ejected = 1;
    expect(come().problem?.message).toContain(
      "1 endpoints known, 0 ready, 1 ejected",
    );
    expect(come().problem?.hint).toContain("why its pods fail");
  });

  test("opens the gate when an endpoint is ready again", () => {
    const { queue, events, come } = openQueue();
    come();
    jest.advanceTimersByTime(FAILFAST_MS);
    queue.serve(() => null);
    expect(queue.failing).toBeTrue();
    queue.serve(() => "back");
    expect([queue.failing, events.at(-1)]).toEqual([false, "open"]);
    const next = come();
    queue.serve(() => "back");
    expect(next.got).toBe("back");
  });

  test("refuses more than may wait", () => {
    const { queue, come } = openQueue(2);
    const waiting = [come(), come()];
    expect(come().problem?.message)
      .toContain("unavailable: 2 requests wait already");
    for (const visitor of waiting) queue.withdraw(visitor);
  });

  test("forgets who withdraws, and its time with the last", () => {
    const { queue, events, come } = openQueue();
    const [first, second] = [come(), come()];
    queue.withdraw(first);
    jest.advanceTimersByTime(FAILFAST_MS - 1);
    queue.withdraw(second);
    expect(events.at(-1)).toBe("queued 0");
    const third = come();
    jest.advanceTimersByTime(FAILFAST_MS - 1);
    expect(third.calls).toBe(0);
    queue.withdraw(third);
    expect([first.calls, second.calls]).toEqual([0, 0]);
  });

  test("the withdrawal of a stranger changes nothing", () => {
    const { queue, events, come } = openQueue();
    const visitor = come();
    queue.withdraw(new Visitor());
    expect([queue.length, events.at(-1)]).toEqual([1, "queued 1"]);
    queue.withdraw(visitor);
  });

  test("closed, refuses who waits and who comes, with one message", () => {
    const { queue, come } = openQueue();
    const waiting = come();
    const problem = { code: "failfast" } as Problem;
    queue.close(problem);
    expect([waiting.problem, come().problem]).toEqual([problem, problem]);
    expect(waiting.calls).toBe(1);
  });

  test("one who is refused and comes again is not served twice", () => {
    const { queue, come } = openQueue();
    const again = new Visitor();
    const stubborn: Waiter<string> = {
      use() {},
      refuse: () => queue.wait(again),
    };
    queue.wait(stubborn);
    come();
    jest.advanceTimersByTime(FAILFAST_MS);
    expect([again.calls, again.problem?.code]).toEqual([1, "loadshed"]);
  });
});
