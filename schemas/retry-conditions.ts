import type { StatusRange } from "./client-policy.ts";

/** Statuses of responses that are tried again, as annotations and requests write them: `5xx,429,502-504`; null: they are none. */
export function parseStatuses(text: string): readonly StatusRange[] | null {
  const ranges = text.split(",").map(parseStatus);
  return ranges.every((range) => range !== null) ? ranges : null;
}

function parseStatus(text: string): StatusRange | null {
  if (text === "5xx") return { start: 500, end: 599 };
  if (text === "gateway-error") return { start: 502, end: 504 };
  const [, first, last = first] = /^(\d{3})(?:-(\d{3}))?$/.exec(text) ?? [];
  const start = Number(first);
  const end = Number(last);
  return start >= 100 && start <= end && end <= 599 ? { start, end } : null;
}

/** Names of the gRPC codes that may be tried again (facts 4.12). */
export const RETRY_CODES: ReadonlyMap<string, number> = new Map([
  ["cancelled", 1],
  ["deadline-exceeded", 4],
  ["resource-exhausted", 8],
  ["internal", 13],
  ["unavailable", 14],
]);

/** The same of calls, by the names of gRPC codes. */
export function parseCodes(text: string): ReadonlySet<number> | null {
  const codes = text.split(",")
    .map((name) => RETRY_CODES.get(name.toLowerCase()));
  return codes.every((code) => code !== undefined) ? new Set(codes) : null;
}
