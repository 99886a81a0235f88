import { parseArgs } from "node:util";
import { describe, Problem } from "../schemas/problem.ts";

/** What to run, and how long. */
export interface Options {
  /** Names of cases and subjects; empty means all. */
  readonly only: readonly string[];
  readonly subjects: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly json: boolean;
}

const MAX_ROUNDS = 100;
const MAX_SECONDS = 600;

/** Options of a command line; throws one `config.invalid` that names every mistake. */
export function parseOptions(
  argv: readonly string[],
  known: {
    readonly cases: readonly string[];
    readonly subjects: readonly string[];
  },
): Options {
  const { values } = readArguments(argv);
  const problems: string[] = [];
  const names = (
    flag: string,
    given: readonly string[] | undefined,
    choice: readonly string[],
  ): string[] =>
    (given ?? []).flatMap((text) => text.split(",")).filter((name) => {
      if (choice.includes(name)) return true;
      problems.push(`--${flag} ${name}: expected ${choice.join(", ")}`);
      return false;
    });
  const count = (flag: string, text: string, most: number): number => {
    const number = /^\d+$/.test(text) ? Number(text) : 0;
    if (number >= 1 && number <= most) return number;
    problems.push(`--${flag} ${text}: expected 1 to ${most}`);
    return 1;
  };
  const options = {
    only: names("only", values.only, known.cases),
    subjects: names("subjects", values.subjects, known.subjects),
    rounds: count("rounds", values.rounds, MAX_ROUNDS),
    seconds: count("seconds", values.seconds, MAX_SECONDS),
    json: values.json,
  };
  if (problems.length === 0) return options;
  throw new Problem(
    "config.invalid",
    `Cannot run this benchmark:\n  ${problems.join("\n  ")}`,
  );
}

function readArguments(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        only: { type: "string", multiple: true },
        subjects: { type: "string", multiple: true },
        rounds: { type: "string", default: "3" },
        seconds: { type: "string", default: "5" },
        json: { type: "boolean", default: false },
      },
    });
  } catch (cause) {
    throw new Problem("config.invalid", describe(cause), {
      cause,
      hint:
        "flags are --only CASE, --subjects A,B, --rounds N, --seconds N and --json",
    });
  }
}
