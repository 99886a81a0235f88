import { parseDuration } from "../../duration.ts";
import { Problem } from "../../problem.ts";
import { type Mistake, mistake } from "../mistake.ts";

/** What annotations say of one subject: null when they do not mention it, or not as it can be meant. */
export interface Said<T> {
  readonly value: T | null;
  readonly mistakes: readonly Mistake[];
}

/** What annotations are read from. */
export interface Annotated {
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Reads annotations one by one and remembers which of them cannot be meant; absent ones are undefined. */
export interface AnnotationReader {
  readonly isSet: (key: string) => boolean;
  readonly durationMs: (
    key: string,
    test?: (ms: number) => boolean,
    wanted?: string,
  ) => number | undefined;
  readonly number: (
    key: string,
    limits: Limits,
  ) => number | undefined;
  readonly boolean: (key: string) => boolean | undefined;
  readonly read: <T>(
    key: string,
    parse: (text: string) => T | null,
    wanted: string,
    fix: string,
  ) => T | undefined;
  /** The value, unless there was a mistake. */
  readonly say: <T>(value: () => T | null) => Said<T>;
}

export interface Limits {
  readonly min: number;
  readonly max: number;
  /** Also numbers with a fraction. */
  readonly isReal?: true;
}

/** The longest duration of the wire's clients (a count of milliseconds in 32 bits): 49 days. */
const DURATION_MAX_MS = 2 ** 32 - 1;

/** Creates a reader of an object's annotations. */
export function createAnnotationReader(
  { annotations = {} }: Annotated,
): AnnotationReader {
  const mistakes: Mistake[] = [];
  const isSet = (key: string): boolean => Object.hasOwn(annotations, key);

  const read: AnnotationReader["read"] = (key, parse, wanted, fix) => {
    const text = isSet(key) ? annotations[key] : undefined;
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value !== null) return value;
    mistakes.push(mistake(["metadata", "annotations", key], text, wanted, fix));
    return undefined;
  };

  return {
    isSet,
    read,
    durationMs: (key, test = () => true, wanted = "a duration") =>
      read(
        key,
        (text) => {
          const ms = readDuration(text);
          return ms === null || ms > DURATION_MAX_MS || !test(ms) ? null : ms;
        },
        wanted,
        "write digits and one unit of ms, s, m, h or d, such as 10s",
      ),
    number: (key, { min, max, isReal }) =>
      read(
        key,
        (text) => {
          const pattern = isReal ? /^\d+(\.\d+)?$/ : /^\d+$/;
          const value = Number(text);
          return pattern.test(text) && value >= min && value <= max
            ? value
            : null;
        },
        `a ${isReal ? "" : "whole "}number from ${min} to ${max}`,
        "write it in digits, in quotes",
      ),
    boolean: (key) =>
      read(
        key,
        (text) => BOOLEANS.get(text) ?? null,
        "true or false",
        "write it in quotes",
      ),
    say: (value) => ({
      value: mistakes.length > 0 ? null : value(),
      mistakes,
    }),
  };
}

/** As Go's ParseBool. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) =>
    [text, true] as const
  ),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) =>
    [text, false] as const
  ),
]);

function readDuration(text: string): number | null {
  try {
    return parseDuration(text);
  } catch (thrown) {
    if (thrown instanceof Problem) return null;
    throw thrown;
  }
}
