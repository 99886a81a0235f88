import { afterEach, describe, expect, jest, test } from "bun:test";
import { createDrain, type Drain, UNDECIDED_MS, WAITED_FOR } from "./drain.ts";

afterEach(() => void jest.useRealTimers());

/** Whether a promise has settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  await Promise.resolve();
  return await Promise.race([promise, Promise.resolve(pending)]) !== pending;
}

/** Holds a connection that carries this. */
function hold(drain: Drain, work: { drain(): void }): () => void {
  const connection = new FakeConnection();
  const over = drain.hold(connection);
  drain.decide(connection, work);
  return over;
}

/** A connection, and how often it was cut. */
class FakeConnection {
  cut = 0;

  destroy(): void {
    this.cut++;
  }
}

describe("createDrain()", () => {
  test("is done at once when nothing is at work", async () => {
    const drain = createDrain();
    expect(drain.draining).toBeFalse();
    await drain.begin();
    expect(drain.draining).toBeTrue();
  });

  test("asks everything to finish, and waits until all has", async () => {
    const drain = createDrain();
    const asked: string[] = [];
    const work = (name: string) => ({ drain: () => void asked.push(name) });
    const first = hold(drain, work("first"));
    const second = hold(drain, work("second"));
    const done = drain.begin();
    expect(asked).toEqual(["first", "second"]);
    first();
    first();
    expect([drain.held, await settled(done)]).toEqual([1, false]);
    second();
    expect(await settled(done)).toBeTrue();
  });

  test("does not ask what has finished before", async () => {
    const drain = createDrain();
    let asked = 0;
    hold(drain, { drain: () => void asked++ })();
    await drain.begin();
    expect([asked, drain.held]).toEqual([0, 0]);
  });

  test("waits for every tunnel, not for the first that ends", async () => {
    const drain = createDrain();
    const ends = [1, 2, 3].map(() => hold(drain, WAITED_FOR));
    expect(drain.held).toBe(3);
    const done = drain.begin();
    ends[0]?.();
    ends[1]?.();
    expect([drain.held, await settled(done)]).toEqual([1, false]);
    ends[2]?.();
    expect(await settled(done)).toBeTrue();
  });

  test("asks what comes while it drains at once", async () => {
    const drain = createDrain();
    const end = hold(drain, WAITED_FOR);
    const done = drain.begin();
    let asked = 0;
    const late = hold(drain, {
      drain: () => void asked++,
    });
    expect(asked).toBe(1);
    end();
    expect(await settled(done)).toBeFalse();
    late();
    expect(await settled(done)).toBeTrue();
  });

  test("is done when work finishes in the moment it is asked", async () => {
    const drain = createDrain();
    const end = hold(drain, { drain: () => end() });
    expect(await settled(drain.begin())).toBeTrue();
  });
});

describe("a connection of which it is not known what it carries", () => {
  test("is cut when it does not tell in time", () => {
    jest.useFakeTimers();
    const drain = createDrain();
    const silent = new FakeConnection();
    drain.hold(silent);
    void drain.begin();
    jest.advanceTimersByTime(UNDECIDED_MS - 10);
    expect(silent.cut).toBe(0);
    jest.advanceTimersByTime(10);
    expect(silent.cut).toBe(1);
  });

  test("goes on when it does, and counts once", async () => {
    jest.useFakeTimers();
    const drain = createDrain();
    const connection = new FakeConnection();
    const over = drain.hold(connection);
    const done = drain.begin();
    let asked = 0;
    drain.decide(connection, { drain: () => void asked++ });
    jest.advanceTimersByTime(2 * UNDECIDED_MS);
    expect([asked, connection.cut, drain.held]).toEqual([1, 0, 1]);
    over();
    expect(await settled(done)).toBeTrue();
  });

  test("that has gone is left alone", () => {
    jest.useFakeTimers();
    const drain = createDrain();
    const connection = new FakeConnection();
    drain.hold(connection)();
    void drain.begin();
    jest.advanceTimersByTime(UNDECIDED_MS);
    expect(connection.cut).toBe(0);
  });

  test("that is over is not waited for again", async () => {
    const drain = createDrain();
    const connection = new FakeConnection();
    drain.hold(connection)();
    drain.decide(connection, WAITED_FOR);
    expect(await settled(drain.begin())).toBeTrue();
  });
});
