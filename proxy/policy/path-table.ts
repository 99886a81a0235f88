import type { ServerMeta } from "../../schemas/policy.ts";
import type { Authorization } from "../../schemas/policy.ts";
import { type Demand, isSame, meets, type Subject } from "./demand.ts";
import type { Filter } from "./filter.ts";
import type { Pattern } from "./pattern.ts";

/** A route of a policy. */
export interface Route {
  readonly index: number;
  readonly meta: ServerMeta;
  /** Its own, beyond those of the Server. */
  readonly authorizations: readonly Authorization[];
}

/** A rule's claim to a kind of request. */
export interface Claim {
  readonly route: Route;
  /** Null when there are none. */
  readonly filters: readonly Filter[] | null;
  readonly path: PathDemand;
  readonly demand: Demand;
  /** False when it is not known which requests it means: all that it might mean are denied. */
  readonly sure: boolean;
}

export type PathDemand =
  | { readonly kind: "any" }
  | { readonly kind: "exact" | "prefix"; readonly octets: Uint8Array }
  /** Null: a pattern that cannot be used, and might match anything. */
  | { readonly kind: "pattern"; readonly pattern: Pattern | null };

/** Claims to one path, or to all below one. */
interface Entry {
  readonly octets: Uint8Array;
  readonly claims: Claim[];
}

const SLASH = 0x2f;
const QUESTION = 0x3f;
/** FNV-1a: one multiplication for each octet. */
const HASH_START = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

/**
 * Claims by path, the best first: exact, pattern, the longest prefix; among equals more headers, more query parameters,
 * a method, the first listed (facts 4.13, with exact paths before all as Gateway API has it). A request's path is gone
 * over once, however many claims there are: its hash at every slash leads to the prefixes, that at its end to the rest.
 */
export class PathTable {
  private readonly exact = new Map<number, Entry[]>();
  private readonly prefixes = new Map<number, Entry[]>();
  /** 1 at the lengths that prefixes have: a path of nothing but slashes asks no more often. */
  private readonly lengths: Uint8Array;
  private readonly patterns: Claim[];
  /** To `/`, which is every path, and `*` too. */
  private readonly root: Claim[];
  private readonly anywhere: Claim[];
  /** Prefixes found, the longest last; kept to make nothing for a request. */
  private readonly found: Entry[] = [];

  constructor(claims: readonly Claim[]) {
    const sorted = claims.toSorted(compareDemands);
    const prefixes = sorted.filter(({ path }) =>
      path.kind === "prefix" && path.octets.length > 0
    );
    this.patterns = sorted.filter(({ path }) => path.kind === "pattern");
    this.root = sorted.filter(({ path }) =>
      path.kind === "prefix" && path.octets.length === 0
    );
    this.anywhere = sorted.filter(({ path }) => path.kind === "any");
    for (const claim of sorted) {
      if (claim.path.kind === "exact") add(this.exact, claim);
    }
    for (const claim of prefixes) add(this.prefixes, claim);
    const longest = Math.max(0, ...prefixes.map((claim) => lengthOf(claim)));
    this.lengths = new Uint8Array(longest + 1);
    for (const claim of prefixes) this.lengths[lengthOf(claim)] = 1;
  }

  /** The best claim to a request; null when there is none. Sets `pathEnd`. */
  find(subject: Subject): Claim | null {
    const { path } = subject;
    const { found, lengths } = this;
    found.length = 0;
    let hash = HASH_START;
    let at = 0;
    for (; at < path.length; at++) {
      const octet = path[at] ?? 0;
      if (octet === QUESTION) break;
      if (octet === SLASH && lengths[at] === 1) this.note(hash, path, at);
      hash = Math.imul(hash ^ octet, HASH_PRIME);
    }
    if (lengths[at] === 1) this.note(hash, path, at);
    subject.pathEnd = at;
    const same = this.exact.get(hash);
    if (same !== undefined) {
      for (const { octets, claims } of same) {
        const claim = isSame(octets, path, at) ? first(claims, subject) : null;
        if (claim !== null) return claim;
      }
    }
    for (let index = 0; index < this.patterns.length; index++) {
      const claim = this.patterns[index];
      if (claim !== undefined && fitsPattern(claim, subject)) return claim;
    }
    for (let index = found.length - 1; index >= 0; index--) {
      const claim = first(found[index]?.claims ?? [], subject);
      if (claim !== null) return claim;
    }
    return first(this.root, subject) ?? first(this.anywhere, subject);
  }

  private note(hash: number, path: Uint8Array, length: number): void {
    const entries = this.prefixes.get(hash);
    if (entries === undefined) return;
    for (const entry of entries) {
      if (isSame(entry.octets, path, length)) this.found.push(entry);
    }
  }
}

function first(claims: readonly Claim[], subject: Subject): Claim | null {
  for (let at = 0; at < claims.length; at++) {
    const claim = claims[at];
    if (claim !== undefined && meets(claim.demand, subject)) return claim;
  }
  return null;
}

function fitsPattern({ path, demand }: Claim, subject: Subject): boolean {
  if (path.kind !== "pattern" || !meets(demand, subject)) return false;
  return path.pattern?.matches(subject.path, 0, subject.pathEnd) ?? true;
}

/** The sort is stable: what is listed first stays first among equals. */
function compareDemands({ demand: a }: Claim, { demand: b }: Claim): number {
  return Number((b.call ?? "") !== "") - Number((a.call ?? "") !== "") ||
    b.headers.length - a.headers.length ||
    b.params.length - a.params.length ||
    Number(b.method !== null) - Number(a.method !== null);
}

function lengthOf({ path }: Claim): number {
  return "octets" in path ? path.octets.length : 0;
}

function add(entries: Map<number, Entry[]>, claim: Claim): void {
  if (!("octets" in claim.path)) return;
  const { octets } = claim.path;
  const hash = octets.reduce(
    (value, octet) => Math.imul(value ^ octet, HASH_PRIME),
    HASH_START,
  );
  const alike = entries.get(hash) ?? [];
  entries.set(hash, alike);
  const known = alike.find((entry) =>
    isSame(entry.octets, octets, octets.length)
  );
  if (known === undefined) alike.push({ octets, claims: [claim] });
  else known.claims.push(claim);
}
