import { Field, type Name } from "./field.ts";
import { findField } from "./fields.ts";
import type { ResponseHead } from "./message.ts";

/**
 * `l5d-proxy-unsent` marks an answer that an endpoint's proxy gives in place of its application, which got nothing of the
 * request: another endpoint may have it (decision 0118). Between proxies only.
 */
export const UNSENT_MARK: Field = Field.of("l5d-proxy-unsent", "true");
UNSENT_MARK.repeated = true;
export const UNSENT: Name = UNSENT_MARK.name;

/** Whether a response without a body says so. */
export function saysUnsent({ fields }: ResponseHead): boolean {
  return findField(fields, UNSENT) !== null;
}
