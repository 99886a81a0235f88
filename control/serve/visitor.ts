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
