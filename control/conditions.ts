import type { KubeObject, ParentRef } from "../schemas/kube.ts";

/** What is said of an object in its status, as of `metav1.Condition`. */
export interface Condition {
  readonly type: "Accepted" | "ResolvedRefs";
  readonly isTrue: boolean;
  readonly reason: string;
  readonly message: string;
}

/** What is said of a route on one of its parents. */
export interface ParentConditions {
  readonly parentRef: ParentRef;
  readonly conditions: readonly Condition[];
}

/** What the status of an object is to say from this mesh. */
export type Verdict =
  /** Of a route; none when it hangs on nothing of the mesh. */
  | { readonly kind: "parents"; readonly parents: readonly ParentConditions[] }
  | {
    readonly kind: "conditions";
    readonly conditions: readonly Condition[];
    /** What a rate limit is for; null: of other kinds. */
    readonly targetRef: unknown;
  };

/** An object whose status we write, as the API server has it. */
export interface Standing {
  /** Where it is, such as `/apis/policy.linkerd.io/v1beta3/namespaces/shop/httproutes/web`; tells it apart. */
  readonly path: string;
  readonly apiVersion: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly status: unknown;
  readonly content: Content;
}

/** What an object says. */
export type Content =
  | { readonly kind: "object"; readonly object: KubeObject }
  /** It hangs on nothing of the mesh. */
  | { readonly kind: "foreign" }
  | {
    readonly kind: "broken";
    /** Names the field at fault. */
    readonly mistake: string;
    /** Of a route, as far as they can be read. */
    readonly parentRefs: readonly ParentRef[];
  };
