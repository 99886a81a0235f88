import { Problem } from "../../schemas/problem.ts";
import type { TapFilter, TapTarget } from "../../schemas/tap.ts";

/** Requests a second that are shown unless somebody says how many, as Linkerd's. */
const MAX_RPS = 100;
/** More would say nothing to anybody, and cost the proxies. */
const MAX_RPS_LIMIT = 10_000;
/** Of a text to look for; longer than any name, path or selector that anybody types. */
const MAX_CHARS = 2_048;

/** The filter that a caller sent; what is left out filters nothing. Throws `request.invalid`. */
export function parseTapFilter(sent: unknown): TapFilter {
  const fields = toMap(sent, "a filter");
  const text = (name: string) => textOf(fields, name);
  return {
    selector: text("selector") ?? "",
    to: fields["to"] === undefined || fields["to"] === null
      ? null
      : parseTarget(toMap(fields["to"], "to")),
    maxRps: parseRate(fields["maxRps"] ?? MAX_RPS),
    scheme: text("scheme"),
    method: text("method"),
    authority: text("authority"),
    path: text("path"),
    headers: fields["headers"] === true,
  };
}

type Fields = Readonly<Record<string, unknown>>;

function toMap(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Fields;
  }
  throw new Problem("request.invalid", `expected ${what} as a JSON object`);
}

function textOf(fields: Fields, name: string): string | null {
  const value = fields[name] ?? null;
  if (value === null) return null;
  if (typeof value === "string" && value.length <= MAX_CHARS) return value;
  throw new Problem(
    "request.invalid",
    `${name}: expected a text of ${MAX_CHARS} characters at most`,
  );
}

function parseTarget(fields: Fields): TapTarget {
  const kind = textOf(fields, "kind");
  const namespace = textOf(fields, "namespace");
  if (kind !== null && namespace !== null) {
    return { kind, name: textOf(fields, "name"), namespace };
  }
  throw new Problem("request.invalid", "to: expected a kind and a namespace");
}

function parseRate(value: unknown): number {
  if (typeof value === "number" && value > 0 && value <= MAX_RPS_LIMIT) {
    return value;
  }
  throw new Problem(
    "request.invalid",
    `maxRps: expected a number above 0, up to ${MAX_RPS_LIMIT}`,
  );
}
