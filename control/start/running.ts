/** A started program of the control plane. */
export interface Running {
  /** Where it listens, by purpose; for configurations that left a port open. */
  readonly ports: Readonly<Record<string, number>>;
  /** Ends calls in flight and frees everything. */
  readonly close: () => Promise<void>;
}

/** Frees something; called once. */
export type Closer = () => void | Promise<void>;

/**
 * Runs `start`, which hands in a closer for each thing it has opened. What is open is closed last first: by the
 * `Running` that is returned, or at once when starting fails.
 */
export async function startWith(
  start: (closing: (closer: Closer) => void) => Promise<Running["ports"]>,
): Promise<Running> {
  const closers: Closer[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const ports = await start((closer) => void closers.push(closer));
    return { ports, close };
  } catch (error) {
    await close();
    throw error;
  }
}
