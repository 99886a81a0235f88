import { describe } from "../../schemas/problem.ts";

export interface LinesOptions {
  /** Between empty lines, while there is nothing to say. */
  readonly idleMs: number;
  /** Of the one who reads. */
  readonly signal: AbortSignal;
  /** Whether they may still read, asked again and again; what it rejects with is the last line. */
  readonly judge: () => Promise<void>;
  readonly judgeEveryMs: number;
  /** Called once, when nothing comes any more. */
  readonly ended: () => void;
}

/** What there is to say. */
interface State {
  /** The next one, when it is there. */
  line: string | null;
  /** There when nothing follows, but for an error. */
  over: { readonly error?: unknown } | null;
}

/** How long the first value is waited for, so that a refusal is one; afterwards it is a last line. */
const FIRST_MS = 500;

/**
 * Values as JSON, a line each, as fast as they are read; what is opened is ended when the reader goes. When it fails later on,
 * the last line is `{"error": …}`. Throws what it fails with at once.
 */
export async function openLines(
  open: (signal: AbortSignal) => AsyncIterable<unknown>,
  { idleMs, signal, judge, judgeEveryMs, ended }: LinesOptions,
): Promise<ReadableStream<Uint8Array>> {
  const ending = new AbortController();
  const encoder = new TextEncoder();
  const state: State = { line: null, over: null };
  let wake = (): void => {};
  let values: AsyncIterator<unknown> | undefined;
  const judging = setInterval(() => void judge().catch(fail), judgeEveryMs);
  signal.addEventListener("abort", leave, { once: true });

  function end(over: NonNullable<State["over"]>): void {
    if (state.over !== null) return;
    state.over = over;
    clearInterval(judging);
    signal.removeEventListener("abort", leave);
    ending.abort();
    // It may wait for a value that never comes; it ends by the signal.
    values?.return?.().then(undefined, () => {});
    ended();
    wake();
  }

  function leave(): void {
    end({});
  }

  function fail(error: unknown): void {
    end({ error });
  }

  function fetchNext(): void {
    state.line = null;
    values?.next().then(({ done, value }) => {
      if (done === true) return leave();
      state.line = JSON.stringify(value);
      wake();
    }).catch(fail);
  }

  /** Until there is something to say; not `Promise.race`, which would leave a reaction on a value that is long in coming. */
  async function somethingWithin(ms: number): Promise<void> {
    if (state.line !== null || state.over !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    wake = resolve;
    await promise;
    clearTimeout(timer);
  }

  try {
    values = open(ending.signal)[Symbol.asyncIterator]();
    fetchNext();
  } catch (error) {
    fail(error);
  }
  if (signal.aborted) leave();
  await somethingWithin(FIRST_MS);
  if (state.over !== null && "error" in state.over) throw state.over.error;

  return new ReadableStream<Uint8Array>({
    // The head of an answer goes out with the first of its body.
    start: (controller) => controller.enqueue(encoder.encode("\n")),
    async pull(controller) {
      const write = (line: string) =>
        controller.enqueue(encoder.encode(`${line}\n`));
      await somethingWithin(idleMs);
      const { line, over } = state;
      if (over === null) {
        write(line ?? "");
        if (line !== null) fetchNext();
        return;
      }
      if ("error" in over) {
        write(JSON.stringify({ error: describe(over.error) }));
      }
      controller.close();
    },
    cancel: leave,
  });
}
