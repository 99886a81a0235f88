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

interface Held {
  readonly connection: Cuttable;
  work: Drainable | null;
  /** Its place in the list. */
  at: number;
}

export function createDrain(): Drain {
  // A list and a WeakMap: a Map would keep closed connections until the next full collection (decision 70).
  const list: Held[] = [];
  const known = new WeakMap<Cuttable, Held>();
  const finished = Promise.withResolvers<void>();
  let draining = false;
  const ask = ({ connection, work }: Held) => {
    if (work !== null) return work.drain();
    setTimeout(() => {
      if (known.get(connection)?.work === null) connection.destroy();
    }, UNDECIDED_MS);
  };
  const release = (held: Held) => {
    if (!known.delete(held.connection)) return;
    const last = list.pop();
    if (last !== undefined && last !== held) {
      list[held.at] = last;
      last.at = held.at;
    }
    if (draining && list.length === 0) finished.resolve();
  };
  return {
    get draining() {
      return draining;
    },
    get held() {
      return list.length;
    },
    hold(connection) {
      const held: Held = { connection, work: null, at: list.length };
      list.push(held);
      known.set(connection, held);
      if (draining) ask(held);
      return () => release(held);
    },
    decide(connection, work) {
      const held = known.get(connection);
      if (held === undefined) return;
      held.work = work;
      if (draining) work.drain();
    },
    begin() {
      draining = true;
      for (const held of [...list]) ask(held);
      if (list.length === 0) finished.resolve();
      return finished.promise;
    },
  };
}

/** A tunnel is waited for, not asked: its bytes mean nothing to us. */
export const WAITED_FOR: Drainable = { drain() {} };
