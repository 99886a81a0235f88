import type { Pattern } from "../../schemas/pattern.ts";
import { type Demand, isSame, meets, type Subject } from "./demand.ts";

/** A rule's claim to a kind of request. */
export interface Claim<T> {
  /** What the table was told to give to whoever finds it. */
  readonly payload: T;
  readonly path: PathDemand;
  readonly demand: Demand;
  /** False when it is not known which requests it means: it claims all that it might mean. */
  readonly sure: boolean;
}

export type PathDemand =
  | { readonly kind: "any" }
  | { readonly kind: "exact" | "prefix"; readonly octets: Uint8Array }
  /** Null: a pattern that cannot be used, and might match anything. */
  | { readonly kind: "pattern"; readonly pattern: Pattern | null };

/** Claims to one path, or to all below one. */
interface Entry<T> {
  readonly octets: Uint8Array;
  readonly claims: Claim<T>[];
}

/** What begins with so many octets, one bit each. */
const Length = { prefix: 1, lead: 2 } as const;
/** The end of a path ends a segment too. */
const END = true;
const NOTHING = new Uint8Array(0);
const SLASH = 0x2f;
const QUESTION = 0x3f;
/** FNV-1a: one multiplication for each octet. */
const HASH_START = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

/**
 * Claims by path, the best first: exact, pattern, the longest prefix; among equals more headers, more query parameters,
 * a method, the first listed (facts 4.13, with exact paths before all as Gateway API has it). A request's path is gone
 * over once, however many claims there are: its hash on the way leads to prefixes and to what patterns
 * begin with, that at its end to exact paths.
 */
export class PathTable<T> {
  private readonly exact = new Map<number, Entry<T>[]>();
  private readonly prefixes = new Map<number, Entry<T>[]>();
  /** Patterns by what their matches begin with. */
  private readonly leads = new Map<number, Entry<T>[]>();
  /** Which lengths prefixes and leads have, so that a path of nothing but slashes asks no more often: see `Length`. */
  private readonly lengths: Uint8Array;
  /** Places of patterns among each other. */
  private readonly ranks = new Map<Claim<T>, number>();
  /** To `/`, which is every path, and `*` too. */
  private readonly root: Claim<T>[];
  private readonly anywhere: Claim<T>[];
  /** Prefixes and leads found, the longest last; kept to make nothing for a request. */
  private readonly found: Entry<T>[] = [];
  private readonly candidates: Entry<T>[] = [];

  constructor(claims: readonly Claim<T>[]) {
    const sorted = claims.toSorted(compareDemands);
    const leading: [Uint8Array, Claim<T>, Map<number, Entry<T>[]>, number][] =
      [];
    for (const claim of sorted) {
      const { path } = claim;
      if (path.kind === "exact") add(this.exact, path.octets, claim);
      if (path.kind === "prefix" && path.octets.length > 0) {
        leading.push([path.octets, claim, this.prefixes, Length.prefix]);
      }
      if (path.kind === "pattern") {
        const lead = path.pattern?.lead ?? NOTHING;
        leading.push([lead, claim, this.leads, Length.lead]);
        this.ranks.set(claim, this.ranks.size);
      }
    }
    this.root = sorted.filter(({ path }) =>
      path.kind === "prefix" && path.octets.length === 0
    );
    this.anywhere = sorted.filter(({ path }) => path.kind === "any");
    const longest = Math.max(0, ...leading.map(([octets]) => octets.length));
    this.lengths = new Uint8Array(longest + 1);
    for (const [octets, claim, entries, kind] of leading) {
      add(entries, octets, claim);
      const { length } = octets;
      this.lengths[length] = (this.lengths[length] ?? 0) | kind;
    }
  }

  /** The best claim to a request; null when there is none. Sets `pathEnd`. */
  find(subject: Subject): Claim<T> | null {
    const { path } = subject;
    const { found, candidates, lengths } = this;
    found.length = candidates.length = 0;
    let hash = HASH_START;
    let at = 0;
    for (; at < path.length; at++) {
      const octet = path[at] ?? 0;
      if (octet === QUESTION) break;
      const kinds = lengths[at] ?? 0;
      if (kinds !== 0) this.note(kinds, hash, path, at, octet === SLASH);
      hash = Math.imul(hash ^ octet, HASH_PRIME);
    }
    const kinds = lengths[at] ?? 0;
    if (kinds !== 0) this.note(kinds, hash, path, at, END);
    subject.pathEnd = at;
    const same = this.exact.get(hash);
    if (same !== undefined) {
      for (const { octets, claims } of same) {
        const claim = isSame(octets, path, at) ? first(claims, subject) : null;
        if (claim !== null) return claim;
      }
    }
    if (candidates.length > 0) {
      const claim = this.firstPattern(subject);
      if (claim !== null) return claim;
    }
    for (let index = found.length - 1; index >= 0; index--) {
      const claim = first(found[index]?.claims ?? [], subject);
      if (claim !== null) return claim;
    }
    return first(this.root, subject) ?? first(this.anywhere, subject);
  }

  /** Notes what a path begins with at a length; prefixes are of whole segments. */
  private note(
    kinds: number,
    hash: number,
    path: Uint8Array,
    length: number,
    atSegment: boolean,
  ): void {
    if (atSegment && (kinds & Length.prefix) !== 0) {
      collect(this.prefixes.get(hash), path, length, this.found);
    }
    if ((kinds & Length.lead) !== 0) {
      collect(this.leads.get(hash), path, length, this.candidates);
    }
  }

  /** The first in order of the patterns that match. */
  private firstPattern(subject: Subject): Claim<T> | null {
    let best: Claim<T> | null = null;
    let bestRank = Infinity;
    for (const { claims } of this.candidates) {
      for (const claim of claims) {
        const rank = this.ranks.get(claim) ?? Infinity;
        if (rank >= bestRank) break;
        if (!fitsPattern(claim, subject)) continue;
        best = claim;
        bestRank = rank;
      }
    }
    return best;
  }
}

function collect<T>(
  entries: readonly Entry<T>[] | undefined,
  path: Uint8Array,
  length: number,
  into: Entry<T>[],
): void {
  if (entries === undefined) return;
  for (const entry of entries) {
    if (isSame(entry.octets, path, length)) into.push(entry);
  }
}

function first<T>(
  claims: readonly Claim<T>[],
  subject: Subject,
): Claim<T> | null {
  for (let at = 0; at < claims.length; at++) {
    const claim = claims[at];
    if (claim !== undefined && meets(claim.demand, subject)) return claim;
  }
  return null;
}

function fitsPattern(
  { path, demand }: Claim<unknown>,
  subject: Subject,
): boolean {
  if (path.kind !== "pattern" || !meets(demand, subject)) return false;
  return path.pattern?.matches(subject.path, 0, subject.pathEnd) ?? true;
}

/** The sort is stable: what is listed first stays first among equals. */
function compareDemands(
  { demand: a }: Claim<unknown>,
  { demand: b }: Claim<unknown>,
): number {
  return Number((b.call ?? "") !== "") - Number((a.call ?? "") !== "") ||
    b.headers.length - a.headers.length ||
    b.params.length - a.params.length ||
    Number(b.method !== null) - Number(a.method !== null);
}

function add<T>(
  entries: Map<number, Entry<T>[]>,
  octets: Uint8Array,
  claim: Claim<T>,
): void {
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
