import type { Meta } from "./policy.ts";

/** What a ServiceProfile says of requests to a Service, instead of routes from client policy (facts: control plane 2.8). */
export interface ProfileRouting {
  /** The first whose condition holds; none: a request is only carried. */
  readonly routes: readonly ProfileRoute[];
  /** Null: nothing is retried. */
  readonly retryBudget: RetryBudget | null;
  /** Where requests go, by weight; none: to the Service itself. */
  readonly targets: readonly ProfileTarget[];
  readonly parent: Meta | null;
  readonly profile: Meta | null;
}

export interface ProfileRoute {
  readonly condition: RequestCondition;
  /** The first that holds says whether a response is a failure; none: as usual. */
  readonly responseClasses: readonly ResponseClass[];
  /** Metric labels without their `rt_` prefix. */
  readonly labels: Readonly<Record<string, string>>;
  readonly retries: boolean;
  /** Until the head of the response; null: no limit. */
  readonly timeoutMs: number | null;
}

export type RequestCondition =
  | {
    readonly kind: "all" | "any";
    readonly conditions: readonly RequestCondition[];
  }
  | { readonly kind: "not"; readonly condition: RequestCondition }
  /** Must match the whole path. */
  | { readonly kind: "path"; readonly pattern: string }
  | { readonly kind: "method"; readonly method: string };

export interface ResponseClass {
  readonly condition: ResponseCondition;
  readonly isFailure: boolean;
}

export type ResponseCondition =
  | {
    readonly kind: "all" | "any";
    readonly conditions: readonly ResponseCondition[];
  }
  | { readonly kind: "not"; readonly condition: ResponseCondition }
  /** Inclusive. */
  | { readonly kind: "status"; readonly min: number; readonly max: number };

/** How many retries there may be beside other requests, over `ttlMs`. */
export interface RetryBudget {
  readonly retryRatio: number;
  readonly minRetriesPerSecond: number;
  readonly ttlMs: number;
}

/** Where no ServiceProfile says otherwise (Linkerd): a fifth more, and ten a second. */
export const DEFAULT_RETRY_BUDGET: RetryBudget = {
  retryRatio: 0.2,
  minRetriesPerSecond: 10,
  ttlMs: 10_000,
};

export interface ProfileTarget {
  /** `name.ns.svc.domain:port`. */
  readonly authority: string;
  readonly weight: number;
  readonly backend: Meta | null;
}
