import { describe } from "../../schemas/problem.ts";

export interface LinesOptions {
  /** Between empty lines, while there is nothing to say. */
  readonly idleMs: number;
  /** Of the one who reads. */
  readonly signal: AbortSignal;
  /** Called once, when nothing comes any more. */
  readonly ended: () => void;
}

/** How long the first value is waited for, so that a refusal is one; afterwards it is a last line. */
const FIRST_MS = 500;

/**
 * Values as JSON, a line each, as fast as they are read; what is opened is ended when the reader goes. When it fails later on,
 * the last line is `{"error": …}`. Throws what it fails with at once.
 */
export async function openLines(
  open: (signal: AbortSignal) => AsyncIterable<unknown>,
  { idleMs, signal, ended }: LinesOptions,
): Promise<ReadableStream<Uint8Array>> {
  const ending = new AbortController();
  const encoder = new TextEncoder();
  let hasEnded = false;
  const end = () => {
    if (hasEnded) return;
    hasEnded = true;
    signal.removeEventListener("abort", end);
    ending.abort();
    // It may wait for a value that never comes; it ends by the signal.
    values?.return?.().then(undefined, () => {});
    ended();
  };
  let values: AsyncIterator<unknown> | undefined;
  let next: Promise<IteratorResult<unknown>>;
  try {
    values = open(ending.signal)[Symbol.asyncIterator]();
    next = values.next();
    await withinMs(FIRST_MS, next);
  } catch (error) {
    end();
    throw error;
  }
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();

  return new ReadableStream<Uint8Array>({
    // The head of an answer goes out with the first of its body.
    start: (controller) => controller.enqueue(encoder.encode("\n")),
    async pull(controller) {
      const write = (text: string) => controller.enqueue(encoder.encode(text));
      try {
        const found = await withinMs(idleMs, next);
        if (hasEnded || found?.done === true) {
          end();
          return controller.close();
        }
        if (found === null) return write("\n");
        write(`${JSON.stringify(found.value)}\n`);
        next = following();
      } catch (error) {
        if (!hasEnded) write(`${JSON.stringify({ error: describe(error) })}\n`);
        end();
        controller.close();
      }
    },
    cancel: end,
  });

  /** What is waited for later fails later. */
  function following(): Promise<IteratorResult<unknown>> {
    const found = values?.next() ??
      Promise.resolve({ done: true, value: undefined } as const);
    found.catch(() => {});
    return found;
  }
}

/** What comes within a time, or null. */
async function withinMs<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, ms, null);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
