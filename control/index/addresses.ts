import { formatIp, parseIp } from "../../schemas/address.ts";

/** The one text of an address that validation has let through; anything else stays as it is. */
export function canonicalIp(text: string): string {
  const bytes = parseIp(text);
  return bytes === null ? text : formatIp(bytes);
}
