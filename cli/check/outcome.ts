/** What became of one check, as JSON output and extensions say it. */
export interface CheckResult {
  readonly description: string;
  /** Where to read on; only on failure. */
  readonly hint?: string;
  readonly error?: string;
  readonly result: "success" | "warning" | "error";
}

/** What happens during a run, in order. */
export type CheckEvent =
  /** Something is being looked at, or waited for; worth a spinner. */
  | { readonly kind: "busy"; readonly text: string }
  | {
    readonly kind: "result";
    readonly category: string;
    readonly result: CheckResult;
  };

/** This project's page about checks: each anchor of a check is a section of docs/checks.md. */
const HINTS =
  "https://github.com/linkerd-ts/linkerd-ts/blob/main/docs/checks.md";

/** Where to read about a check. */
export function hintOf(anchor: string): string {
  return `${HINTS}#${anchor}`;
}
