/** Something that is finishing what it has in hand. */
interface Drainable {
  drain(): void;
}

/** Keeps track of what must end before the process may: every connection, and what it has in hand. */
export interface Drain {
  readonly draining: boolean;
  /** Has draining wait for a connection, of which it is not known yet what it carries; the function returned ends that. */
  hold(connection: Cuttable): () => void;
  /** Says who finishes what a connection carries, asked at once while draining. Nothing if the connection is over. */
  decide(connection: Cuttable, work: Drainable): void;
  /** Asks everything to finish; settles when all is done. */
  begin(): Promise<void>;
  /** Connections still at work. */
  readonly held: number;
}

interface Cuttable {
  destroy(): void;
}

/**
 * How long a connection that has not told yet what it carries may go on while draining: its request may have been under
 * way, but one that only waits to be used must not hold the process up.
 */
export const UNDECIDED_MS = 1_000;

export function createDrain(): Drain {
  const works = new Map<Cuttable, Drainable | null>();
  const finished = Promise.withResolvers<void>();
  let draining = false;
  const ask = (connection: Cuttable, work: Drainable | null) => {
    if (work !== null) return work.drain();
    setTimeout(() => {
      if (works.get(connection) === null) connection.destroy();
    }, UNDECIDED_MS);
  };
  return {
    get draining() {
      return draining;
    },
    get held() {
      return works.size;
    },
    hold(connection) {
      works.set(connection, null);
      if (draining) ask(connection, null);
      return () => {
        works.delete(connection);
        if (draining && works.size === 0) finished.resolve();
      };
    },
    decide(connection, work) {
      if (!works.has(connection)) return;
      works.set(connection, work);
      if (draining) work.drain();
    },
    begin() {
      draining = true;
      for (const [connection, work] of works) ask(connection, work);
      if (works.size === 0) finished.resolve();
      return finished.promise;
    },
  };
}

/** A tunnel is waited for, not asked: its bytes mean nothing to us. */
export const WAITED_FOR: Drainable = { drain() {} };
