import { Problem } from "../../schemas/problem.ts";

export interface Waiting {
  /** What is waited for, in the words of the error: "Cannot see <what> within 5 s". */
  readonly what: () => string;
  /** 20 s by default: many times what anything in a bed takes on a busy machine. */
  readonly timeoutMs?: number;
  /** 20 ms by default. */
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
}

/** Asks again and again until the answer is not null and returns it; throws `system.failed` when time is up. */
export async function waitFor<T>(
  ask: () => Promise<T | null> | T | null,
  waiting: Waiting,
): Promise<T> {
  const { timeoutMs = 20_000, intervalMs = 20, signal } = waiting;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > deadline) {
      throw new Problem(
        "system.failed",
        `Cannot see ${waiting.what()} within ${timeoutMs / 1000} s`,
      );
    }
    await Bun.sleep(intervalMs);
  }
}
