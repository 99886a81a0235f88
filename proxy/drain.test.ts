import { describe, expect, test } from "bun:test";
import { createDrain, WAITED_FOR } from "./drain.ts";

/** Whether a promise has settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  await Promise.resolve();
  return await Promise.race([promise, Promise.resolve(pending)]) !== pending;
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
    const first = drain.hold({ drain: () => void asked.push("first") });
    const second = drain.hold({ drain: () => void asked.push("second") });
    const done = drain.begin();
    expect(asked).toEqual(["first", "second"]);
    first();
    expect(await settled(done)).toBeFalse();
    second();
    expect(await settled(done)).toBeTrue();
  });

  test("does not ask what has finished before", async () => {
    const drain = createDrain();
    let asked = 0;
    drain.hold({ drain: () => void asked++ })();
    await drain.begin();
    expect([asked, drain.held]).toEqual([0, 0]);
  });

  test("waits for every tunnel, not for the first that ends", async () => {
    const drain = createDrain();
    const ends = [1, 2, 3].map(() => drain.hold(WAITED_FOR));
    expect(drain.held).toBe(3);
    const done = drain.begin();
    ends[0]?.();
    ends[1]?.();
    expect(drain.held).toBe(1);
    expect(await settled(done)).toBeFalse();
    ends[2]?.();
    expect(await settled(done)).toBeTrue();
  });

  test("asks what comes while it drains at once", async () => {
    const drain = createDrain();
    const end = drain.hold(WAITED_FOR);
    const done = drain.begin();
    let asked = 0;
    const late = drain.hold({ drain: () => void asked++ });
    expect(asked).toBe(1);
    end();
    expect(await settled(done)).toBeFalse();
    late();
    expect(await settled(done)).toBeTrue();
  });

  test("is done when work finishes in the moment it is asked", async () => {
    const drain = createDrain();
    const end = drain.hold({ drain: () => end() });
    expect(await settled(drain.begin())).toBeTrue();
  });

  test("hears twice from the same work without counting twice", () => {
    const drain = createDrain();
    const end = drain.hold(WAITED_FOR);
    drain.hold(WAITED_FOR);
    end();
    end();
    expect(drain.held).toBe(1);
  });
});
