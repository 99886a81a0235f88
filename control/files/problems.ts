import type { Log } from "../log.ts";
import type { Conflict } from "./ownership.ts";
import type { Fault } from "./parse.ts";

/** Something wrong in the folder that a person must repair; the last good state holds meanwhile. */
export interface FileProblem {
  /** Path within the folder; empty for the folder itself. */
  readonly file: string;
  readonly code: string;
  /** 0 when it is not about one line. */
  readonly line: number;
  readonly field: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What is wrong now; each problem is logged once when it comes and once when it has gone. */
export interface Problems {
  /** Replaces all problems at once. */
  readonly set: (problems: readonly FileProblem[]) => void;
  readonly list: () => readonly FileProblem[];
}

/** Creates an empty list that logs what changes. */
export function createProblems(log: Log): Problems {
  let known = new Map<string, FileProblem>();
  return {
    set: (problems) => {
      const before = known;
      known = new Map(problems.map((one) => [JSON.stringify(one), one]));
      for (const [key, { message, file, line, field, ...more }] of known) {
        if (before.has(key)) continue;
        // Fields that say nothing are left out of the line.
        const where = { line: line || undefined, field: field || undefined };
        log.error(message, { stage: "files", file, ...where, ...more });
      }
      const broken = new Set(problems.map(({ file }) => file));
      for (const file of new Set([...before.values()].map((one) => one.file))) {
        if (broken.has(file)) continue;
        log.info("manifest is good again", { stage: "files", file });
      }
    },
    list: () => [...known.values()],
  };
}

/** A file that cannot be used. */
export function problemOf(file: string, fault: Fault): FileProblem {
  return { file, ...fault };
}

/** An object that two files have. */
export function conflictOf({ id, owner, other }: Conflict): FileProblem {
  return {
    file: other.file,
    code: "manifest.invalid",
    line: other.line,
    field: "metadata.name",
    message:
      `Cannot use ${id} of ${other.file}:${other.line}: ${owner.file}:${owner.line} has it already and holds`,
    hint: "remove one of the two",
  };
}
