import type { Scene } from "./scene.ts";

/** One thing that must hold for the mesh to work: data, but for the function that looks. */
export interface Check {
  /** What holds when all is well. */
  readonly description: string;
  /** Where `docs/checks.md` says more. */
  readonly anchor: string;
  /** `fatal` ends the run, `error` fails it, `warning` is only told. */
  readonly severity: "fatal" | "error" | "warning";
  /** `quietly`: tried again until `--wait` is over; `aloud`: the same, showing meanwhile what is still wrong. */
  readonly retry?: "quietly" | "aloud";
  /** Looks once. What it throws fails the check as well. */
  readonly run: (scene: Scene) => Promise<Verdict>;
}

/** Checks under one title. */
export interface Category {
  readonly name: string;
  readonly checks: readonly Check[];
}

export type Verdict =
  /** The note stands below the description. */
  | { readonly kind: "passed"; readonly note?: string }
  /** Nothing to look at here: not shown at all. */
  | { readonly kind: "skipped" }
  /** A lasting failure is not tried again: time does not help. */
  | {
    readonly kind: "failed";
    readonly error: string;
    readonly isLasting?: true;
  };

export const PASSED: Verdict = { kind: "passed" };
export const SKIPPED: Verdict = { kind: "skipped" };

export function failed(error: string): Verdict {
  return { kind: "failed", error };
}

/** The same of what does not come right by waiting. */
export function failedForGood(error: string): Verdict {
  return { kind: "failed", error, isLasting: true };
}

/** Passed when nothing was found wrong; else each finding as an item below a title. */
export function passedUnless(
  title: string,
  findings: readonly string[],
): Verdict {
  return findings.length === 0
    ? PASSED
    : failed(`${title}\n${bullets(findings)}`);
}

/** The longest list that an error repeats: a screen of it; nobody reads more. */
const BULLETS_MAX = 30;

/** Items of a list below a title, as Linkerd writes them. */
export function bullets(items: readonly string[]): string {
  const shown = items.slice(0, BULLETS_MAX).map((item) => `\t* ${item}`);
  const more = items.length - shown.length;
  return [...shown, ...(more > 0 ? [`\t* and ${more} more`] : [])].join("\n");
}
