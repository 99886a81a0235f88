import { rmSync } from "node:fs";
import { describe } from "../../schemas/problem.ts";
import type { Log } from "./connector.ts";
import { readTold, type Told, writeTold } from "./snapshot-file.ts";

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

export interface SnapshotOptions {
  /** Where it outlives the process; null: nowhere. */
  readonly path: string | null;
  readonly now: () => number;
  readonly log: Log;
}

/** As long as a certificate lives: with an older one nobody would talk to us anyway. */
export const MAX_AGE_MS = 86_400_000;
/** A clock that was set back by more has nothing to say about age. */
const MAX_AHEAD_MS = 60_000;
/** All of it, in memory and in the pod's memory volume: some hundred Services of some dozens of endpoints. */
export const MAX_BYTES = 2 * 1_024 * 1_024;
/** One answer: a Service of about 1,500 endpoints. */
export const MAX_ANSWER_BYTES = 512 * 1_024;
/** What is told within this is written together. */
const WRITE_AFTER_MS = 250;

interface Entry extends Told {
  messages: Uint8Array[];
  atMs: number;
  /** What it costs, question included: empty answers to very many questions are bounded, too. */
  bytes: number;
  urgent: boolean;
}

/** Of an entry in memory besides its bytes, roughly. */
const ENTRY_BYTES = 128;

function costOf({ path, request, messages }: Omit<Told, "atMs">): number {
  return messages.reduce(
    (sum, { length }) => sum + length,
    ENTRY_BYTES + path.length + request.length,
  );
}

/** Begins with what an earlier start has left, as far as it can be used; what cannot is told in one line. */
export function createSnapshot(options: SnapshotOptions): Snapshot {
  const { path, now, log } = options;
  /** In the order in which they were told, the oldest first. */
  const entries = new Map<string, Entry>();
  let total = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let complaint = "";

  function remove(key: string): void {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  }

  function put(key: string, entry: Entry): void {
    remove(key);
    entries.set(key, entry);
    total += entry.bytes;
    for (const [oldest, { urgent }] of entries) {
      if (total <= MAX_BYTES) break;
      // Who may call our ports is few and small, and must not be crowded out by what the application calls.
      if (oldest !== key && !urgent) remove(oldest);
    }
    if (total > MAX_BYTES) remove(key);
  }

  function write(): void {
    clearTimeout(timer);
    timer = undefined;
    if (path === null) return;
    try {
      writeTold(path, entries.values());
      complaint = "";
    } catch (error) {
      if (complaint === describe(error)) return; // said once
      complaint = describe(error);
      discard(path);
      log("warn", "Cannot keep what the control plane told", {
        path,
        error: complaint,
      });
    }
  }

  function writeSoon(): void {
    timer ??= setTimeout(write, WRITE_AFTER_MS);
    timer.unref();
  }

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
    const left = entries.get(key);
    if (left !== undefined) left.urgent ||= urgent;
    const save = (isNews: boolean) => urgent && isNews ? write() : writeSoon();
    return {
      recall() {
        const entry = entries.get(key);
        return entry !== undefined && isRecent(entry, now())
          ? entry.messages
          : [];
      },
      begin() {
        fresh = true;
      },
      add(bytes) {
        const before = entries.get(key);
        const continues = shape === "changes" && !fresh;
        fresh = false;
        // A change of what is not kept means nothing.
        if (continues && before === undefined) return true;
        const isNews = continues || before === undefined ||
          !isWhole(before.messages, bytes);
        const entry = continues && before !== undefined
          ? before
          : { ...question, messages: [], atMs: 0, bytes: cost, urgent };
        remove(key);
        entry.messages.push(bytes.slice());
        entry.bytes += bytes.length;
        entry.atMs = now();
        const fits = entry.bytes <= MAX_ANSWER_BYTES;
        if (fits) put(key, entry);
        save(isNews);
        // What is too long by itself would not be shorter the next time.
        return fits || bytes.length > MAX_ANSWER_BYTES / 2;
      },
      forget() {
        if (!entries.has(key)) return;
        remove(key);
        save(true);
      },
    };
  }

  for (const told of load(options)) {
    // Which of them are urgent is known again when they are asked for.
    put(keyOf(told.path, told.request), {
      ...told,
      messages: [...told.messages],
      bytes: costOf(told),
      urgent: false,
    });
  }
  return {
    open,
    close() {
      if (timer !== undefined) write();
    },
  };
}

/** What cannot be replaced must not stay: it may permit what is forbidden by now. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder is gone, or not ours: then a later start finds nothing there either.
  }
}

function load({ path, now, log }: SnapshotOptions): Told[] {
  if (path === null) return [];
  try {
    const all = readTold(path);
    const recent = all.filter((told) => isRecent(told, now()));
    if (recent.length < all.length) {
      log("warn", "Ignoring what the control plane told too long ago", {
        path,
        answers: all.length - recent.length,
      });
    }
    return recent;
  } catch (error) {
    log("warn", "Ignoring what the control plane told an earlier start", {
      path,
      error: describe(error),
    });
    return [];
  }
}

function isRecent({ atMs }: Told, nowMs: number): boolean {
  // Also false for what is no number.
  return atMs > nowMs - MAX_AGE_MS && atMs < nowMs + MAX_AHEAD_MS;
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
