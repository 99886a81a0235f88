import { expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import {
  type Check,
  failed,
  failedForGood,
  PASSED,
  SKIPPED,
  type Verdict,
} from "./check.ts";
import type { CheckEvent } from "./outcome.ts";
import { type Run, runChecks } from "./runner.ts";
import type { Scene } from "./scene.ts";

function check(
  description: string,
  answers: readonly Verdict[],
  more: Partial<Check> = {},
): Check {
  let at = 0;
  return {
    description,
    anchor: "somewhere",
    severity: "error",
    run: () => {
      const answer = answers[Math.min(at++, answers.length - 1)];
      return Promise.resolve(answer ?? PASSED);
    },
    ...more,
  };
}

/** Runs checks on a clock that leaps to what is waited for; each event is one line. */
async function told(
  checks: readonly Check[],
  waitMs = 0,
  ages: string[] = [],
): Promise<string[]> {
  let now = 0;
  const run: Run = {
    now: () => now,
    waitMs,
    after: (ms, then) => {
      // Attempts end before their limit unless a test says otherwise.
      if (ms === 30_000) return () => {};
      queueMicrotask(() => {
        now += ms;
        then();
      });
      return () => {};
    },
    look: (_, age) => {
      ages.push(age);
      return {} as Scene;
    },
  };
  const lines: string[] = [];
  for await (const event of runChecks([{ name: "things", checks }], run)) {
    lines.push(`${now} ${line(event)}`);
  }
  return lines;
}

function line(event: CheckEvent): string {
  if (event.kind === "busy") return `busy ${event.text}`;
  const { description, result, error } = event.result;
  return [event.category, result, description, error].filter(Boolean)
    .join(" | ");
}

test("what fails is told and the run goes on; what is fatal ends it", async () => {
  expect(
    await told([
      check("a", [PASSED]),
      check("b", [failed("broken")]),
      check("c", [failed("odd")], { severity: "warning" }),
      check("d", [failed("gone")], { severity: "fatal" }),
      check("never", [PASSED]),
    ]),
  ).toEqual([
    "0 busy a",
    "0 things | success | a",
    "0 busy b",
    "0 things | error | b | broken",
    "0 busy c",
    "0 things | warning | c | odd",
    "0 busy d",
    "0 things | error | d | gone",
  ]);
});

test("what is skipped says nothing, and a note stands below the description", async () => {
  expect(
    await told([
      check("a", [SKIPPED]),
      check("b", [{ kind: "passed", note: "by others" }]),
    ]),
  ).toEqual(["0 busy a", "0 busy b", "0 things | success | b\nby others"]);
});

test("a check is tried again every five seconds, with nothing remembered", async () => {
  const ages: string[] = [];
  const lines = await told(
    [check("a", [failed("not yet"), failed("not yet"), PASSED], {
      retry: "quietly",
    })],
    60_000,
    ages,
  );
  expect(lines).toEqual([
    "0 busy a",
    "0 busy waiting for check to complete",
    "5000 busy waiting for check to complete",
    "10000 things | success | a",
  ]);
  expect(ages).toEqual(["remembered", "afresh", "afresh"]);
});

test("what time does not mend is not tried again", async () => {
  const lines = await told(
    [check("a", [failedForGood("shut"), PASSED], { retry: "quietly" })],
    60_000,
  );
  expect(lines).toEqual(["0 busy a", "0 things | error | a | shut"]);
});

test("all that are tried again share one deadline, and the last error is told", async () => {
  const lines = await told([
    check("a", [failed("one is missing")], { retry: "aloud" }),
    check("b", [failed("still")], { retry: "aloud", severity: "warning" }),
  ], 7_000);
  expect(lines).toEqual([
    "0 busy a",
    "0 busy one is missing",
    "5000 busy one is missing",
    "7000 things | error | a | one is missing",
    "7000 busy b",
    "7000 things | warning | b | still",
  ]);
});

test("what a check throws is its error, with the next step below", async () => {
  const thrown = new Problem("connect.failed", "Cannot reach it", {
    hint: "Is it running?",
  });
  expect(
    await told([check("a", [], { run: () => Promise.reject(thrown) })]),
  ).toEqual([
    "0 busy a",
    "0 things | error | a | Cannot reach it\nIs it running?",
  ]);
});

test("an attempt is over after thirty seconds, and told to stop", async () => {
  let isStopped = false;
  const events: CheckEvent[] = [];
  const hanging = check("a", [], { run: () => new Promise(() => {}) });
  const run: Run = {
    now: () => 0,
    waitMs: 0,
    after: (ms, then) => {
      expect(ms).toBe(30_000);
      queueMicrotask(then);
      return () => {};
    },
    look: (signal) => {
      signal.addEventListener("abort", () => isStopped = true);
      return {} as Scene;
    },
  };
  for await (
    const event of runChecks([{ name: "things", checks: [hanging] }], run)
  ) events.push(event);
  expect(isStopped).toBe(true);
  expect(events.map(line)).toEqual([
    "busy a",
    "things | error | a | no answer from the cluster within 30 s\nIs the network, a firewall or a VPN in the way?",
  ]);
});
