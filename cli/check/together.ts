/** Calls under way at once: enough to hide the way to the API server, few enough not to be throttled by it. */
const CALLS_MAX = 8;

/** Asks for each item, a few at once; answers stand in the order of the items. */
export async function together<Item, Answer>(
  items: readonly Item[],
  ask: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) {
      answers[at] = await ask(items[at] as Item);
    }
  };
  await Promise.all(Array.from({ length: CALLS_MAX }, work));
  return answers;
}
