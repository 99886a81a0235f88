import type { Told } from "./snapshot-file.ts";

/** What was told in answer to one question. */
export interface Answer extends Told {
  messages: Uint8Array[];
  atMs: number;
  /** What it costs, question included: empty answers to very many questions are bounded, too. */
  bytes: number;
  /** Not given up for others. */
  urgent: boolean;
}

/** All answers, in the order in which they were told; the oldest are given up first when there is no room. */
export interface Answers {
  get(key: string): Answer | undefined;
  /** Makes an answer the newest; what it costs must not change while it is in here. */
  put(key: string, answer: Answer): void;
  remove(key: string): void;
  values(): Iterable<Answer>;
}

/** All of it, in memory and in the pod's memory volume: some hundred Services of some dozens of endpoints. */
export const MAX_BYTES = 2 * 1_024 * 1_024;

/** Begins without any. */
export function createAnswers(): Answers {
  const answers = new Map<string, Answer>();
  let total = 0;

  function remove(key: string): void {
    total -= answers.get(key)?.bytes ?? 0;
    answers.delete(key);
  }

  return {
    get: (key) => answers.get(key),
    put(key, answer) {
      remove(key);
      answers.set(key, answer);
      total += answer.bytes;
      for (const [oldest, { urgent }] of answers) {
        if (total <= MAX_BYTES) break;
        // Who may call our ports is few and small, and must not be crowded out by what the application calls.
        if (oldest !== key && !urgent) remove(oldest);
      }
      if (total > MAX_BYTES) remove(key);
    },
    remove,
    values: () => answers.values(),
  };
}

/** Of an answer in memory besides its bytes, roughly. */
const ANSWER_BYTES = 128;

/** What an answer costs in memory. */
export function costOf(
  { path, request, messages }: Omit<Told, "atMs">,
): number {
  return messages.reduce(
    (sum, { length }) => sum + length,
    ANSWER_BYTES + path.length + request.length,
  );
}

/** As long as a certificate lives: with an older one nobody would talk to us anyway. */
export const MAX_AGE_MS = 86_400_000;
/** A clock that was set back by more has nothing to say about age. */
const MAX_AHEAD_MS = 60_000;

/** Whether an answer may still be used. */
export function isRecent({ atMs }: Told, nowMs: number): boolean {
  // Also false for what is no number.
  return atMs > nowMs - MAX_AGE_MS && atMs < nowMs + MAX_AHEAD_MS;
}
