import { parseGoDuration } from "../../schemas/go-duration.ts";
import { Problem } from "../../schemas/problem.ts";

/** A parser of exactly these words; throws `config.invalid`. */
export function oneOf<const T extends string>(
  values: readonly T[],
): (text: string) => T {
  return (text) => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw expected(`one of ${values.join(", ")}`);
    return found;
  };
}

/** `true` or `false`; throws `config.invalid`. */
export function parseBoolean(text: string): boolean {
  return oneOf(["true", "false"])(text) === "true";
}

/** Milliseconds of a duration that may be nothing; throws `config.invalid`. */
export function parseSpan(text: string): number {
  const spanMs = parseGoDuration(text);
  if (spanMs < 0) throw expected("a duration, such as 24h0m0s or 20s");
  return spanMs;
}

/** Milliseconds of a duration longer than nothing; throws `config.invalid`. */
export function parseLifetime(text: string): number {
  const lifetimeMs = parseSpan(text);
  if (lifetimeMs === 0) throw expected("more than nothing");
  return lifetimeMs;
}

/** A whole number above 0; throws `config.invalid`. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw expected("a whole number above 0");
  return Number(text);
}

/** RFC 1123. */
const LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";

/** A DNS label, such as the name of a namespace; throws `config.invalid`. */
export function parseLabel(text: string): string {
  if (!new RegExp(`^${LABEL}$`).test(text)) throw expected("a DNS label");
  return text;
}

/** A DNS domain, in lower case and without a dot at the end; throws `config.invalid`. */
export function parseDomain(text: string): string {
  const isDomain = new RegExp(`^${LABEL}(\\.${LABEL})*$`).test(text);
  if (!isDomain || text.length > 253) throw expected("a DNS domain");
  return text;
}

function expected(what: string): Problem {
  return new Problem("config.invalid", `expected ${what}`);
}
