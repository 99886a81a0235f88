/** Something that is finishing what it has in hand. */
interface Drainable {
  drain(): void;
}

/** Keeps track of what must end before the process may: connections, tunnels, whatever has work in hand. */
export interface Drain {
  readonly draining: boolean;
  /** Registers something at work; the function returned says that it is done. Called while draining, it drains at once. */
  hold(work: Drainable): () => void;
  /** Asks everything to finish; settles when all is done. */
  begin(): Promise<void>;
  /** What is still at work. */
  readonly held: number;
}

export function createDrain(): Drain {
  const works = new Set<Drainable>();
  const finished = Promise.withResolvers<void>();
  let draining = false;
  return {
    get draining() {
      return draining;
    },
    get held() {
      return works.size;
    },
    hold(work) {
      // One entry per call: the same value may stand for any number of works.
      const entry = { drain: () => work.drain() };
      works.add(entry);
      if (draining) work.drain();
      return () => {
        works.delete(entry);
        if (draining && works.size === 0) finished.resolve();
      };
    },
    begin() {
      draining = true;
      for (const work of works) work.drain();
      if (works.size === 0) finished.resolve();
      return finished.promise;
    },
  };
}

/** A tunnel is waited for, not asked: its bytes mean nothing to us. */
export const WAITED_FOR: Drainable = { drain() {} };
