import { saying } from "../refusal.ts";
import { type Category, type Check, failed, type Verdict } from "./check.ts";
import { type CheckEvent, type CheckResult, hintOf } from "./outcome.ts";
import type { Scene } from "./scene.ts";

/** How long one look at the cluster may take (Linkerd's limit). */
export const ATTEMPT_MS = 30_000;
/** Between two looks of a check that is tried again (Linkerd's pause). */
const RETRY_MS = 5_000;

/** The world of a run: time, and what checks look at. */
export interface Run {
  /** Milliseconds, of any origin. */
  readonly now: () => number;
  /** Calls back once after so many milliseconds, unless it is told not to. */
  readonly after: (ms: number, then: () => void) => () => void;
  /** Counted from the start of the run and shared by all checks that are tried again. */
  readonly waitMs: number;
  /** What one attempt looks at; with `afresh`, nothing that was read before is believed. */
  readonly look: (
    signal: AbortSignal,
    age: "afresh" | "remembered",
  ) => Scene;
}

/**
 * Runs checks one after the other. A fatal failure ends the run; what is skipped says nothing.
 */
export async function* runChecks(
  categories: readonly Category[],
  run: Run,
): AsyncGenerator<CheckEvent> {
  const deadline = run.now() + run.waitMs;
  for (const { name, checks } of categories) {
    for (const check of checks) {
      yield { kind: "busy", text: check.description };
      let verdict = await attempt(check, run, "remembered");
      while (
        verdict.kind === "failed" && check.retry !== undefined &&
        verdict.isLasting !== true
      ) {
        const leftMs = deadline - run.now();
        if (leftMs <= 0) break;
        yield {
          kind: "busy",
          text: check.retry === "aloud"
            ? verdict.error
            : "waiting for check to complete",
        };
        const pauseMs = Math.min(RETRY_MS, leftMs);
        await new Promise<void>((resolve) => run.after(pauseMs, resolve));
        verdict = await attempt(check, run, "afresh");
      }
      if (verdict.kind === "skipped") continue;
      yield {
        kind: "result",
        category: name,
        result: toResult(check, verdict),
      };
      if (verdict.kind === "failed" && check.severity === "fatal") {
        return;
      }
    }
  }
}

async function attempt(
  check: Check,
  run: Run,
  age: "afresh" | "remembered",
): Promise<Verdict> {
  const stop = new AbortController();
  const late = new Promise<Verdict>((resolve) => {
    stop.signal.addEventListener("abort", () =>
      resolve(
        failed(
          `no answer from the cluster within ${ATTEMPT_MS / 1000} s\n` +
            "Is the network, a firewall or a VPN in the way?",
        ),
      ));
  });
  const disarm = run.after(ATTEMPT_MS, () => stop.abort());
  try {
    return await Promise.race([
      check.run(run.look(stop.signal, age)),
      late,
    ]);
  } catch (thrown) {
    return failed(saying(thrown));
  } finally {
    disarm();
  }
}

function toResult(
  { description, anchor, severity }: Check,
  verdict: Exclude<Verdict, { kind: "skipped" }>,
): CheckResult {
  if (verdict.kind === "passed") {
    const note = verdict.note === undefined ? "" : `\n${verdict.note}`;
    return { description: description + note, result: "success" };
  }
  return {
    description,
    hint: hintOf(anchor),
    error: verdict.error,
    result: severity === "warning" ? "warning" : "error",
  };
}
