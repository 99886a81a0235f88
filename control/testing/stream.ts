/** Messages of a stream, asked for one at a time. */
export interface StreamReader<T> {
  /** The next message; throws when the stream ends instead. */
  readonly next: () => Promise<T>;
  /** Reads until a message satisfies the test, and gives that one. */
  readonly until: (test: (message: T) => boolean) => Promise<T>;
  /** Waits for the end; throws when a message comes instead, or the error that ends the stream. */
  readonly end: () => Promise<void>;
}

/** Reads a stream step by step. */
export function readStream<T>(messages: AsyncIterable<T>): StreamReader<T> {
  const iterator = messages[Symbol.asyncIterator]();
  const next = async (): Promise<T> => {
    const step = await iterator.next();
    if (step.done) throw new Error("a message was expected, the stream ended");
    return step.value;
  };
  return {
    next,
    until: async (test) => {
      for (;;) {
        const message = await next();
        if (test(message)) return message;
      }
    },
    end: async () => {
      const step = await iterator.next();
      if (!step.done) throw new Error("the end was expected, a message came");
    },
  };
}
