import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { FakeControl } from "../testing/fake-control.ts";
import { authorization, serverPolicy } from "../testing/policies.ts";
import { createPorts } from "./ports.ts";

const IDLE_MS = 90_000;
const DEFAULT = serverPolicy([], "opaque");
const PERMISSIVE = serverPolicy([authorization(["0.0.0.0/0"])]);

let control: FakeControl;
let ports: ReturnType<typeof createPorts>;
beforeEach(() => {
  jest.useFakeTimers();
  control = new FakeControl();
  ports = createPorts({
    control,
    permanent: [4191],
    idleMs: IDLE_MS,
    defaultPolicy: () => DEFAULT,
  });
});
afterEach(() => void jest.useRealTimers());

describe("createPorts()", () => {
  test("watches permanent ports from the start and for ever", () => {
    expect(control.serverPolicies.open).toEqual([4191]);
    ports.take(4191).release();
    jest.advanceTimersByTime(2 * IDLE_MS);
    expect(control.serverPolicies.open).toEqual([4191]);
  });

  test("has the default policy until the control plane answers", () => {
    const port = ports.take(80);
    expect(port.policy).toBe(DEFAULT);
    control.serverPolicies.next(80, PERMISSIVE);
    expect(port.policy).toBe(PERMISSIVE);
  });

  test("keeps the policy in force when the control plane will not say", () => {
    const port = ports.take(80);
    control.serverPolicies.next(80, PERMISSIVE);
    control.serverPolicies.refuse(80);
    expect(port.policy).toBe(PERMISSIVE);
  });

  test("tells subscribers of changes until they leave", () => {
    const port = ports.take(80);
    const calls: string[] = [];
    const leave = port.subscribe(() => {
      calls.push("first");
      leave();
    });
    port.subscribe(() => calls.push("second"));
    control.serverPolicies.next(80, PERMISSIVE);
    control.serverPolicies.next(80, DEFAULT);
    expect(calls).toEqual(["first", "second", "second"]);
  });

  test("watches a port once for all who take it", () => {
    expect(ports.take(80)).toBe(ports.take(80));
    expect(control.serverPolicies.asked).toEqual([4191, 80]);
  });

  test("forgets a port when nobody has used it for a while", () => {
    ports.take(80).release();
    jest.advanceTimersByTime(IDLE_MS - 10);
    const port = ports.take(80);
    jest.advanceTimersByTime(2 * IDLE_MS);
    expect(control.serverPolicies.open).toEqual([4191, 80]);
    port.release();
    jest.advanceTimersByTime(IDLE_MS);
    expect(control.serverPolicies.open).toEqual([4191]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("a scan of all ports leaves few watches, none of those in use lost", () => {
    const used = ports.take(80);
    for (let number = 1_000; number < 3_000; number++) {
      ports.take(number).release();
    }
    const { open } = control.serverPolicies;
    expect(open.length).toBe(2 + 256);
    expect(open.slice(0, 3)).toEqual([4191, 80, 3_000 - 256]);
    control.serverPolicies.next(80, PERMISSIVE);
    expect(used.policy).toBe(PERMISSIVE);
  });
});
