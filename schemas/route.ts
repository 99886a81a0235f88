/** What routes are made of, as in Gateway API: which requests they take and what is done to those first. */

/** A host as in a request's authority, without its port; compared in lower case. */
export type HostMatch =
  | { readonly kind: "exact"; readonly host: string }
  /** `.example.org`: any name that ends so, whichever is before it. */
  | { readonly kind: "suffix"; readonly suffix: string };

/** A request matches when all parts do; null and empty lists are no demand. */
export interface HttpMatch {
  readonly path: PathMatch | null;
  readonly headers: readonly NamedMatch[];
  /** Of the query as a form: percent-decoded, `+` as a blank. */
  readonly queryParams: readonly NamedMatch[];
  /** Upper case. */
  readonly method: string | null;
}

export type PathMatch =
  | {
    /** A prefix matches by whole segments: `/a` takes `/a` and `/a/b`, not `/ab`. */
    readonly kind: "exact" | "prefix";
    readonly path: string;
  }
  /** Must match the whole path. */
  | { readonly kind: "regex"; readonly pattern: string };

/** A header (by its lower-case name) or a query parameter; matches when any of its values does. */
export interface NamedMatch {
  readonly name: string;
  readonly value: ValueMatch;
}

export type ValueMatch =
  | { readonly kind: "exact"; readonly value: string }
  /** Must match the whole value. */
  | { readonly kind: "regex"; readonly pattern: string };

/** A gRPC call matches when all parts do; null and an empty list are no demand. */
export interface GrpcMatch {
  readonly service: string | null;
  readonly method: string | null;
  readonly headers: readonly NamedMatch[];
}

/** Changes header fields of the request before it goes on: first adds, then sets, then removes. Names in lower case. */
export interface RequestHeaders {
  readonly kind: "request-headers";
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** The same with those of the response. */
export interface ResponseHeaders extends Omit<RequestHeaders, "kind"> {
  readonly kind: "response-headers";
}

/** Answers with another address; null keeps that part of the request's own. */
export interface Redirect {
  readonly kind: "redirect";
  readonly scheme: string | null;
  readonly host: string | null;
  readonly path:
    /** `prefix` replaces what the rule's path prefix matched. */
    | { readonly kind: "full" | "prefix"; readonly path: string }
    | null;
  readonly port: number | null;
  readonly status: number;
}

/** Answers with an HTTP status instead of passing the request on. */
export interface HttpFailure {
  readonly kind: "failure";
  readonly status: number;
  readonly message: string;
  readonly ratio: Ratio;
}

/** Answers with a gRPC status instead of passing the call on. */
export interface GrpcFailure {
  readonly kind: "failure";
  readonly code: number;
  readonly message: string;
  readonly ratio: Ratio;
}

/** How many of how many; 1 of 1 is always. */
export interface Ratio {
  readonly numerator: number;
  readonly denominator: number;
}
