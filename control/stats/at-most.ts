/** Runs work as soon as fewer than `max` of what it was given are under way, in the order in which it came. */
export function atMost(
  max: number,
): <T>(work: () => Promise<T>) => Promise<T> {
  let underWay = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (underWay < max) underWay++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Its place passes on.
      const next = waiting.shift();
      if (next === undefined) underWay--;
      else next();
    }
  };
}
