import { describe } from "../../schemas/problem.ts";
import { formatCode, type GrpcStatus } from "../grpc/status.ts";
import type { Notices } from "../wire/common.ts";
import { type Absence, createAbsence } from "./absence.ts";
import type { ControlClient } from "./client.ts";
import type { Log } from "./connector.ts";
import type { Memory, Shape, Snapshot } from "./snapshot.ts";
import { keepWatching, type Verdict, type Watch } from "./watch.ts";

/** Hears what the control plane knows of one thing, as complete values. */
export interface Observer<T> {
  /** The newest state; it holds, whatever happens to the control plane, until another comes. */
  next(snapshot: T): void;
  /**
   * The control plane will not say, and why. Told at most once between snapshots; only policy may still send a snapshot
   * afterwards (of a Service made later).
   */
  refused(reason: string): void;
}

/** A service of the control plane, and whether it is there. */
export interface Service {
  readonly client: ControlClient;
  readonly absence: Absence;
}

/** A service of which nothing is known yet. */
export function serviceOf(client: ControlClient): Service {
  return { client, absence: createAbsence() };
}

/** What is asked, who asks, and how the answers are understood. */
export interface Question<T> {
  readonly path: string;
  readonly request: Uint8Array;
  readonly shape: Shape;
  /** What was told before holds from the start on, and a change is kept before it is in force. */
  readonly urgent: boolean;
  readonly observer: Observer<T>;
  readonly read: {
    /** A new stream begins; its messages do not continue those of the last one. */
    opened(): void;
    /** Null: nothing is known to have changed. */
    message(bytes: Uint8Array, notices: Notices): T | null;
    /** `known`: a snapshot has been given already. */
    judge(status: GrpcStatus, known: boolean): Verdict;
  };
}

/** Questions that are asked until they are closed, and the answers to them, of now and of earlier. */
export interface Questions {
  ask<T>(service: Service, question: Question<T>): Watch;
  close(): void;
}

/** What is common to all questions. */
export interface QuestionsOptions {
  /** What was told before, used while the control plane is away. */
  readonly snapshot: Snapshot;
  readonly random: () => number;
  readonly log: Log;
}

/** Distinct notices remembered, so that each is logged once. */
const MAX_NOTICES = 1_000;

/** Begins without any. */
export function createQuestions(options: QuestionsOptions): Questions {
  const { snapshot, random, log } = options;
  const open = new Set<Watch>();
  const noticed = new Set<string>();

  function report(notices: Notices, path: string): void {
    for (const notice of notices) {
      if (noticed.has(notice) || noticed.size >= MAX_NOTICES) continue;
      noticed.add(notice);
      log("warn", notice, { watch: path });
    }
  }

  function ask<T>(service: Service, question: Question<T>): Watch {
    const { path, request, shape, urgent, observer, read } = question;
    const memory = snapshot.open(path, request, shape, urgent);
    let known = false;
    let refused = false;

    function understand(bytes: Uint8Array): T | null {
      const notices: Notices = new Set();
      const value = read.message(bytes, notices);
      report(notices, path);
      return value;
    }

    function give(value: T): void {
      known = true;
      refused = false;
      observer.next(value);
    }

    function refuse({ code, message }: GrpcStatus): void {
      if (refused) return;
      refused = true;
      observer.refused(`${formatCode(code)}: ${message}`);
    }

    /** What was told before, perhaps to an earlier start, until the service speaks for itself. */
    function remember(): void {
      const value = recall(
        memory,
        understand,
        (error) =>
          log("warn", "Ignoring what cannot be read any more", {
            watch: path,
            error: describe(error),
          }),
      );
      read.opened(); // what follows does not continue it
      if (value !== null) give(value);
    }
    if (urgent) remember();
    const stopWaiting = urgent ? () => {} : service.absence.whenAway(remember);

    const running = keepWatching({
      client: service.client,
      path,
      request,
      random,
      log,
      opened() {
        read.opened();
        memory.begin();
      },
      message(bytes) {
        stopWaiting();
        service.absence.heard();
        const value = understand(bytes);
        const goOn = memory.add(bytes);
        if (value !== null) give(value);
        return goOn;
      },
      judge(status) {
        const verdict = read.judge(status, known);
        if (verdict === "retry") return verdict;
        stopWaiting();
        memory.forget();
        refuse(status);
        return verdict;
      },
    });
    const watch: Watch = {
      close() {
        stopWaiting();
        open.delete(watch);
        running.close();
      },
    };
    open.add(watch);
    return watch;
  }

  return {
    ask,
    close() {
      for (const watch of open) watch.close();
    },
  };
}

/** The last value that a memory holds, or null; what cannot be read is forgotten. */
function recall<T>(
  memory: Memory,
  read: (bytes: Uint8Array) => T | null,
  failed: (error: unknown) => void,
): T | null {
  try {
    let value: T | null = null;
    for (const bytes of memory.recall()) value = read(bytes) ?? value;
    return value;
  } catch (error) {
    memory.forget();
    failed(error);
    return null;
  }
}
