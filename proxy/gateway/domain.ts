import { Problem } from "../../schemas/problem.ts";

/** Of names that a gateway does not forward to, and of those within its domains that nothing is called. */
export const BAD_DOMAIN = new Problem("gateway.domain", "bad gateway domain");

/** Whether a name is one of these or below one; suffixes are in lower case and without the final dot, "" is all names. */
export function isWithin(name: string, suffixes: readonly string[]): boolean {
  return suffixes.some((suffix) =>
    suffix === "" || name === suffix || name.endsWith(`.${suffix}`)
  );
}

/** A name as it is compared and asked for: in lower case, without the final dot. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
