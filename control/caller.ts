import type { Workload } from "../schemas/identity.ts";

/**
 * Who a token says its bearer is. `unauthenticated`: the reviewer does not know the token; `invalid`: it can be read
 * but is not good for this use. Both carry a sentence for the caller.
 */
export type Review =
  | { readonly kind: "caller"; readonly workload: Workload }
  | { readonly kind: "unauthenticated"; readonly message: string }
  | { readonly kind: "invalid"; readonly message: string };

/** Tells who bears a service-account token; throws a `Problem` when it cannot tell, for instance with no API server. */
export type TokenReviewer = (token: string) => Promise<Review>;

/** The caller of a subject such as `system:serviceaccount:emojivoto:web`; anything else is `invalid`. */
export function reviewSubject(subject: string): Review {
  const [system, type, namespace, serviceAccount, more] = subject.split(":");
  if (
    system !== "system" || type !== "serviceaccount" || more !== undefined ||
    namespace === undefined || serviceAccount === undefined
  ) {
    return {
      kind: "invalid",
      message:
        `Cannot use token: its subject is "${subject}", expected system:serviceaccount:<namespace>:<name>`,
    };
  }
  return { kind: "caller", workload: { serviceAccount, namespace } };
}
