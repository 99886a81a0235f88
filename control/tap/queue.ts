/** Items between many producers, who never wait, and one consumer. */
export interface Queue<Item> extends AsyncIterable<Item> {
  /** Says whether there was room. */
  push(item: Item, weight: number): boolean;
  /** Lets the consumer have what is there, and then the end, or this error. */
  end(error?: Error): void;
}

/** A queue of items that weigh at most `maxWeight` together; what does not fit in is not taken. */
export function createQueue<Item>(maxWeight: number): Queue<Item> {
  const items: { readonly item: Item; readonly weight: number }[] = [];
  let weight = 0;
  let ended: { readonly error: Error | undefined } | null = null;
  let wake: () => void = () => {};

  return {
    push(item, own) {
      if (ended !== null || weight + own > maxWeight) return false;
      weight += own;
      items.push({ item, weight: own });
      wake();
      return true;
    },
    end(error) {
      ended ??= { error };
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        for (const { item, weight: own } of items.splice(0)) {
          weight -= own;
          yield item;
        }
        if (items.length > 0) continue;
        if (ended?.error !== undefined) throw ended.error;
        if (ended !== null) return;
        await new Promise<void>((resolve) => wake = resolve);
      }
    },
  };
}
