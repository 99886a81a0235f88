import type { Overrides } from "../values.ts";

/** Lays one set of values over another: maps join, all else is replaced, and null takes a key away (as Helm's). */
export function mergeValues(base: Overrides, over: Overrides): Overrides {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    if (value === null) merged.delete(key);
    else if (isMap(value)) {
      const under = merged.get(key);
      merged.set(key, mergeValues(isMap(under) ? under : {}, value));
    } else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

/** What of `values` differs from `base`, as the smallest overrides that give it again. */
export function diffValues(base: Overrides, values: Overrides): Overrides {
  const differing: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    const under = Object.hasOwn(base, key) ? base[key] : undefined;
    if (isMap(value) && isMap(under)) {
      const inner = diffValues(under, value);
      if (Object.keys(inner).length > 0) differing[key] = inner;
    } else if (JSON.stringify(value) !== JSON.stringify(under)) {
      differing[key] = value;
    }
  }
  for (const key of Object.keys(base)) {
    if (!Object.hasOwn(values, key)) differing[key] = null;
  }
  return differing;
}

/** Whether a value is a map of keys, not a list and not null. */
export function isMap(value: unknown): value is Overrides {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
