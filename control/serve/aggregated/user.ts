import type { FrontProxy } from "../../front-proxy.ts";
import type { User } from "../../visitor.ts";

/**
 * The user that a front proxy speaks for; null when it names none. To be asked only about requests of a proven front proxy.
 * `fields` are names and values in turns, as they arrived: what joins fields of one name makes one group of two.
 */
export function readUser(
  fields: readonly string[],
  proxy: FrontProxy,
): User | null {
  const found: (readonly [name: string, value: string])[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    found.push([fields[at]?.toLowerCase() ?? "", fields[at + 1] ?? ""]);
  }
  const first = (names: readonly string[]) =>
    names.flatMap((name) =>
      found.find(([known, value]) => known === name && value !== "")?.[1] ?? []
    )[0];
  const name = first(proxy.userHeaders);
  if (name === undefined) return null;
  const extra = new Map<string, string[]>();
  for (const [field, value] of found) {
    for (const prefix of proxy.extraPrefixes) {
      if (!field.startsWith(prefix)) continue;
      const key = unescape(field.slice(prefix.length));
      extra.set(key, [...extra.get(key) ?? [], value]);
    }
  }
  return {
    name,
    uid: first(proxy.uidHeaders) ?? "",
    groups: proxy.groupHeaders.flatMap((name) =>
      found.filter(([known]) => known === name).map(([, value]) => value)
    ),
    extra: Object.fromEntries(extra),
  };
}

/** Names of fields cannot have all that keys can: those that do are percent-encoded. */
function unescape(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
