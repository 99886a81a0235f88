import { Field, Name } from "../http/field.ts";

const FORWARDED = Name.of("forwarded");

/** Values that stand without quotes: what Linkerd's gateways write, names and addresses among them. */
const PLAIN = /^[-\w.:/@%+~]+$/;

/** The element that a gateway adds (RFC 7239): who it is, for whom, and for what. */
export function forwardedBy(
  own: string,
  client: string,
  target: string,
): Field {
  const pairs = [
    ["by", own],
    ["for", client],
    ["host", target],
    ["proto", "https"],
  ] as const;
  return Field.of(
    FORWARDED.text,
    pairs.map(([name, value]) => `${name}=${quote(value)}`).join(";"),
  );
}

/**
 * Whether a request has been through this gateway before. Looked for between all commas and semicolons, those in quotes
 * too: a quote that a client opens and never closes hides nothing.
 */
export function hasBeenHere(fields: readonly Field[], own: string): boolean {
  return fields.some((field) =>
    field.name === FORWARDED &&
    field.text.split(/[,;]/).some((pair) => {
      const [, value] = /^\s*by\s*=\s*"?([^"]*)"?\s*$/i.exec(pair) ?? [];
      return value?.trim().toLowerCase() === own.toLowerCase();
    })
  );
}

function quote(value: string): string {
  if (PLAIN.test(value)) return value;
  return `"${value.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
