import { Problem } from "./problem.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Milliseconds of a duration as Linkerd's proxy reads it: digits and one unit of `ms s m h d`; a bare `0` needs none.
 * Spaces around are ignored. Throws `config.invalid` on anything else.
 */
export function parseDuration(text: string): number {
  const match = /^\s*(\d+)\s*(ms|s|m|h|d)?\s*$/.exec(text);
  const digits = match?.[1];
  const unit = match?.[2];
  if (digits === undefined || (unit === undefined && Number(digits) !== 0)) {
    throw new Problem(
      "config.invalid",
      `Cannot read duration "${text}": expected digits and a unit of ms, s, m, h or d, such as 10s`,
    );
  }
  return Number(digits) * (unit === undefined ? 1 : UNIT_MS[unit] ?? 1);
}
