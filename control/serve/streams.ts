import type { Interceptor } from "@connectrpc/connect";

/**
 * Ends every stream with OK when `shutdown` is aborted, whatever its implementation is waiting for, so that proxies
 * reconnect at once to another replica. An implementation that waits must itself watch `context.signal`: it is aborted
 * then, and when the client goes.
 */
export function endStreams(shutdown: AbortSignal): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    if (!response.stream) return response;
    return {
      ...response,
      message: until(response.message, request.signal, shutdown),
    };
  };
}

async function* until<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  shutdown: AbortSignal,
): AsyncGenerator<T> {
  const iterator = messages[Symbol.asyncIterator]();
  let stop = (): void => {};
  const onAbort = (): void => stop();
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      // Not Promise.race: each race would leave a reaction on the longer-lived promise, and streams last for hours.
      const step = await new Promise<IteratorResult<T>>((resolve, reject) => {
        stop = () => resolve({ done: true, value: undefined });
        iterator.next().then(resolve, reject);
      });
      if (step.done) break;
      yield step.value;
    }
    if (signal.aborted && !shutdown.aborted) throw signal.reason;
  } finally {
    signal.removeEventListener("abort", onAbort);
    void release(iterator);
  }
}

/** Not waited for: a generator that waits returns only when its wait is over. */
async function release(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // The stream is over; nobody is left to tell.
  }
}
