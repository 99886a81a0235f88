import { Problem } from "./problem.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3, // U+00B5, micro
  "μs": 1e-3, // U+03BC, mu
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Milliseconds of a duration as Go programs write and take it: `24h0m0s`, `1.5h`, `300ms`, `-1s`, `0`. Throws
 * `config.invalid` on anything else.
 */
export function parseGoDuration(text: string): number {
  const [, sign, rest = ""] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return 0;
  const parts = [
    ...rest.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy),
  ];
  const read = parts.reduce((length, [part]) => length + part.length, 0);
  if (parts.length === 0 || read !== rest.length) {
    throw new Problem(
      "config.invalid",
      "expected a duration, such as 24h0m0s or 20s",
    );
  }
  const sumMs = parts.reduce(
    (sum, [, digits, unit]) =>
      sum + Number(digits) * (UNIT_MS[unit ?? ""] ?? 0),
    0,
  );
  return sign === "-" ? -sumMs : sumMs;
}
