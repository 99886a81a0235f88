/** What somebody wants to do, in the words of Kubernetes' access reviews. */
export interface Attributes {
  readonly verb: "get" | "list" | "watch";
  readonly group: string;
  readonly resource: string;
  /** "" when it is the resource itself. */
  readonly subresource: string;
  /** Null: all namespaces, or none. */
  readonly namespace: string | null;
  /** Null: all of them. */
  readonly name: string | null;
}

/** Who asks. */
export interface Visitor {
  /** Throws `forbidden` when they may not, and `system.failed` when nobody can tell. */
  readonly permit: (attributes: Attributes) => Promise<void>;
}

/** Whoever is on this machine: may do everything. */
export const ANYBODY: Visitor = { permit: () => Promise.resolve() };

/** A user of the cluster, as the API server knows them. */
export interface User {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Resolves when a user may; throws `forbidden` when not, `loadshed` and `system.failed` when nobody can tell. */
export type Review = (user: User, attributes: Attributes) => Promise<void>;
