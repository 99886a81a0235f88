/**
 * Gives, for a value that is the same as one of the last given, that earlier one: equal parts of many objects are then
 * kept once. What comes in the order of names, as lists do, has its equals close by: no more than `limit` are remembered.
 */
export function createShare(limit: number): <T>(value: T) => T {
  const recent = new Map<string, unknown>();
  return <T>(value: T): T => {
    const text = JSON.stringify(value);
    const found = recent.get(text);
    if (found !== undefined) return found as T;
    recent.set(text, value);
    const [oldest] = recent.keys();
    if (recent.size > limit && oldest !== undefined) recent.delete(oldest);
    return value;
  };
}
