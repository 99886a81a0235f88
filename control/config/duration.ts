import { Problem } from "../../schemas/problem.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Milliseconds of a duration as Go programs write and take it: `24h0m0s`, `1.5h`, `300ms`, `0`. Smaller units than
 * milliseconds mean nothing here; throws `config.invalid` on those and on anything else.
 */
export function parseGoDuration(text: string): number {
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/gy)];
  const read = parts.reduce((length, [part]) => length + part.length, 0);
  if (parts.length === 0 || read !== text.length) {
    throw new Problem(
      "config.invalid",
      "expected a duration, such as 24h0m0s or 20s",
    );
  }
  return parts.reduce(
    (sum, [, digits, unit]) =>
      sum + Number(digits) * (UNIT_MS[unit ?? ""] ?? 0),
    0,
  );
}
