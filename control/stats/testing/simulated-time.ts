/** Time that passes as fast as what happens in it is done. */
export interface SimulatedTime {
  readonly now: () => number;
  /** Lets what is due happen, one after the other, with the promises that come of it. */
  pass(ms: number): Promise<void>;
  /** Gives the machine its clock back. */
  end(): void;
}

interface Timer {
  readonly atMs: number;
  readonly queue: Set<Timer>;
  readonly call: () => void;
}

/** Promises that hang on each other, from a timer to the end of what it began. */
const TURNS = 12;

/** Takes the place of `setTimeout` and `clearTimeout` until `end`. */
export function simulateTime(): SimulatedTime {
  const real = { setTimeout, clearTimeout };
  let nowMs = 0;
  /** By delay: those with the same come due in the order they were set in. */
  const queues = new Map<number, Set<Timer>>();

  function start(call: () => void, delayMs = 0): Timer {
    let queue = queues.get(delayMs);
    if (queue === undefined) queues.set(delayMs, queue = new Set());
    const timer = { atMs: nowMs + delayMs, queue, call };
    queue.add(timer);
    return timer;
  }

  function next(): Timer | null {
    let first: Timer | null = null;
    for (const [delayMs, queue] of queues) {
      const [timer] = queue;
      if (timer === undefined) queues.delete(delayMs);
      else if (first === null || timer.atMs < first.atMs) first = timer;
    }
    return first;
  }

  Object.assign(globalThis, {
    setTimeout: start,
    clearTimeout: (timer?: Timer) => void timer?.queue.delete(timer),
  });
  return {
    now: () => nowMs,
    async pass(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const timer = next();
        if (timer === null || timer.atMs > untilMs) break;
        timer.queue.delete(timer);
        nowMs = timer.atMs;
        timer.call();
        for (let turn = 0; turn < TURNS; turn++) await null;
      }
      nowMs = untilMs;
    },
    end: () => void Object.assign(globalThis, real),
  };
}
