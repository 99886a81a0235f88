import { costOf, createAnswers, isRecent } from "./answers.ts";
import { createDisk, type DiskOptions } from "./snapshot-disk.ts";

/** How the messages of a stream belong together: each says all, or the first does and the others change it. */
export type Shape = "whole" | "changes";

/** What was told in answer to one question, for as long as somebody asks it and longer. */
export interface Memory {
  /** The messages that say what was told last; empty when nothing was, or too long ago. */
  recall(): readonly Uint8Array[];
  /** A new stream begins: its first message replaces those of the last one. */
  begin(): void;
  /** Keeps a message (a copy); false when the stream has told so much that asking anew says it shorter. */
  add(bytes: Uint8Array): boolean;
  /** Nothing is known any more: the control plane says so, or what it said cannot be read. */
  forget(): void;
}

/** The last answers of the control plane, as bytes: what they mean is for those to say who asked. */
export interface Snapshot {
  /** `urgent`: a change is on disk before it is in force, so that no later start is more lenient than this one was. */
  open(
    path: string,
    request: Uint8Array,
    shape: Shape,
    urgent: boolean,
  ): Memory;
  /** Writes what is not written yet. */
  close(): void;
}

/** One answer: a Service of about 1,500 endpoints. */
export const MAX_ANSWER_BYTES = 512 * 1_024;

/** Begins with what an earlier start has left. */
export function createSnapshot(options: DiskOptions): Snapshot {
  const { now } = options;
  const answers = createAnswers();
  const disk = createDisk(options, answers.values);

  function open(
    path: string,
    request: Uint8Array,
    shape: Shape,
    urgent: boolean,
  ): Memory {
    const key = keyOf(path, request);
    const question = { path, request };
    const cost = costOf({ ...question, messages: [] });
    let fresh = true;
    const left = answers.get(key);
    if (left !== undefined) left.urgent ||= urgent;
    const save = (isNews: boolean) =>
      urgent && isNews ? disk.write() : disk.writeSoon();
    return {
      recall() {
        const answer = answers.get(key);
        return answer !== undefined && isRecent(answer, now())
          ? answer.messages
          : [];
      },
      begin() {
        fresh = true;
      },
      add(bytes) {
        const before = answers.get(key);
        const continues = shape === "changes" && !fresh;
        fresh = false;
        // A change of what is not kept means nothing.
        if (continues && before === undefined) return true;
        const isNews = continues || before === undefined ||
          !isWhole(before.messages, bytes);
        const answer = continues && before !== undefined
          ? before
          : { ...question, messages: [], atMs: 0, bytes: cost, urgent };
        answers.remove(key);
        answer.messages.push(bytes.slice());
        answer.bytes += bytes.length;
        answer.atMs = now();
        const fits = answer.bytes <= MAX_ANSWER_BYTES;
        if (fits) answers.put(key, answer);
        save(isNews);
        // What is too long by itself would not be shorter the next time.
        return fits || bytes.length > MAX_ANSWER_BYTES / 2;
      },
      forget() {
        if (answers.get(key) === undefined) return;
        answers.remove(key);
        save(true);
      },
    };
  }

  for (const told of disk.load()) {
    // Which of them are urgent is known again when they are asked for.
    answers.put(keyOf(told.path, told.request), {
      ...told,
      messages: [...told.messages],
      bytes: costOf(told),
      urgent: false,
    });
  }
  return { open, close: disk.close };
}

/** Whether these bytes are the only message. */
function isWhole(
  [only, more]: readonly Uint8Array[],
  bytes: Uint8Array,
): boolean {
  return only !== undefined && more === undefined &&
    Buffer.compare(only, bytes) === 0;
}

function keyOf(path: string, request: Uint8Array): string {
  return `${path} ${request.toBase64()}`;
}
