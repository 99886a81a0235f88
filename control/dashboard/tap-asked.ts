import { Problem } from "../../schemas/problem.ts";
import type { TapFilter, TapTarget } from "../../schemas/tap.ts";
import type { Owner } from "../stats/query/owner.ts";
import { WORKLOAD_LABELS } from "../stats/query/workloads.ts";
import { canBeAsked } from "./asked.ts";

/** What the page of live requests is asked to show. */
export interface TapAsked {
  readonly target: TapTarget;
  readonly filter: TapFilter;
}

/** Methods to choose from. */
export const METHODS = [
  ...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
] as const;
/** Requests a second: what a reader can follow, and what `linkerd viz tap` shows unless told otherwise. */
export const USUAL_RPS = 10;
export const MAX_RPS = 100;
/** Of an authority or the beginning of a path: as long as what is shown of one (schemas/harmless.ts). */
export const MAX_TEXT = 300;

/** Reads an address; null when it names no target. Throws `request.invalid`. */
export function parseTapAsked(query: URLSearchParams): TapAsked | null {
  const target = query.get("target");
  if (!target) return null;
  const to = query.get("to");
  return {
    target: parseTarget(target, TAPPED),
    filter: {
      selector: "",
      to: to ? parseTarget(to, [...TAPPED, "service"]) : null,
      maxRps: parseRps(query.get("rps") || String(USUAL_RPS)),
      scheme: null,
      method: parseMethod(query.get("method")),
      authority: parseText(query, "authority"),
      path: parseText(query, "path"),
      headers: false,
    },
  };
}

/** Kinds whose requests can be shown. */
const TAPPED = Object.keys(WORKLOAD_LABELS);

/** Whether a workload has requests to show, and a name that can be in an address. */
export function canBeTapped({ kind, namespace, name }: Owner): boolean {
  return TAPPED.includes(kind) && [namespace, name].every(canBeAsked);
}

/** As it is in an address: `deployment/shop/web`. */
export function formatTarget({ kind, namespace, name }: Owner): string {
  return [kind, namespace, name].join("/");
}

/** The address of the page for a workload. */
export function tapAddress(owner: Owner): string {
  return `tap?${new URLSearchParams({ target: formatTarget(owner) })}`;
}

function parseTarget(text: string, kinds: readonly string[]): TapTarget {
  const [kind = "", namespace = "", name = "", ...more] = text.split("/");
  const isWhole = more.length === 0 && [namespace, name].every(canBeAsked);
  if (isWhole && kinds.includes(kind)) return { kind, namespace, name };
  throw new Problem(
    "request.invalid",
    "expected a workload such as deployment/shop/web",
    { hint: `kinds are ${kinds.join(", ")}` },
  );
}

function parseRps(text: string): number {
  const rps = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (rps >= 1 && rps <= MAX_RPS) return rps;
  throw new Problem(
    "request.invalid",
    `expected 1 to ${MAX_RPS} requests a second`,
  );
}

function parseMethod(text: string | null): string | null {
  const method = METHODS.find((known) => known === text) ?? null;
  if (method !== null || !text) return method;
  throw new Problem(
    "request.invalid",
    `expected a method of ${METHODS.join(", ")}`,
  );
}

function parseText(query: URLSearchParams, name: string): string | null {
  const text = query.get(name) || null;
  if (text === null || text.length <= MAX_TEXT) return text;
  throw new Problem(
    "request.invalid",
    `expected at most ${MAX_TEXT} characters for ${name}`,
  );
}
