import type { FieldPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";

/** A workload's name, or `*` for the labels in front of a suffix (Linkerd's pattern). */
const DNS_LIKE =
  /^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** SPIFFE-ID 2: a trust domain and path segments that are not empty. */
const SPIFFE = /^spiffe:\/\/[a-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;

/** SPIFFE-ID 2.3: at most this many bytes. */
const SPIFFE_MAX_BYTES = 2048;

/** An identity is a DNS-like name, perhaps with `*` as its first label, or a SPIFFE ID. */
export function mistakesOfIdentities(
  identities: readonly string[],
  path: FieldPath,
): Mistake[] {
  return identities.flatMap((text, at) =>
    isIdentity(text) ? [] : [mistake(
      [...path, at],
      text,
      "a workload's name, or a SPIFFE ID",
      "write it as web.shop.serviceaccount.identity.linkerd.cluster.local, *.shop.serviceaccount.identity.linkerd.cluster.local, * or spiffe://trust.domain/path",
    )]
  );
}

function isIdentity(text: string): boolean {
  if (!text.startsWith("spiffe://")) return DNS_LIKE.test(text);
  return SPIFFE.test(text) && text.length <= SPIFFE_MAX_BYTES &&
    !text.slice("spiffe://".length).split("/").slice(1)
      .some((segment) => segment === "." || segment === "..");
}
