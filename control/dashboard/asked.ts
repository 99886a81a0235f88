import { Problem } from "../../schemas/problem.ts";

/** What a page is asked to show, as its address says. */
export interface Asked {
  readonly windowMs: number;
  /** Null: all. */
  readonly namespace: string | null;
  /** From 1. */
  readonly page: number;
}

/** Windows that can be chosen, the usual one first. */
export const WINDOWS = [
  ["1m", 60_000],
  ["10m", 10 * 60_000],
  ["1h", 60 * 60_000],
] as const;

/** Kubernetes' longest name. */
const MAX_NAME = 253;

/** Whether Kubernetes has such names: what else came over the network is shown, and leads nowhere. */
export function canBeAsked(name: string): boolean {
  return name.length <= MAX_NAME && /^[a-z\d][a-z\d.-]*$/i.test(name);
}

/** Reads an address; throws `request.invalid`. */
export function parseAsked(query: URLSearchParams): Asked {
  const name = query.get("window") ?? "1m";
  const window = WINDOWS.find(([known]) => known === name);
  if (window === undefined) {
    throw new Problem(
      "request.invalid",
      `expected a window of ${WINDOWS.map(([known]) => known).join(", ")}`,
    );
  }
  const page = query.get("page") ?? "1";
  if (!/^[1-9]\d{0,3}$/.test(page)) {
    throw new Problem("request.invalid", "expected a page from 1 to 9999");
  }
  return {
    windowMs: window[1],
    namespace: query.get("namespace") || null,
    page: Number(page),
  };
}

/** As it is in an address. */
export function nameOfWindow(windowMs: number): string {
  const [usual] = WINDOWS;
  return (WINDOWS.find(([, ms]) => ms === windowMs) ?? usual)[0];
}

/** The address of a view. */
export function formatAsked(
  path: string,
  { windowMs, namespace, page }: Asked,
): string {
  const [[usual]] = WINDOWS;
  const window = nameOfWindow(windowMs);
  const query = new URLSearchParams();
  if (namespace !== null) query.set("namespace", namespace);
  if (window !== usual) query.set("window", window);
  if (page > 1) query.set("page", String(page));
  return query.size === 0 ? path : `${path}?${query}`;
}
