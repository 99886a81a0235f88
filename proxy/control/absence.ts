/** Whether a service of the control plane is away: not there to answer, so that what it said before has to do. */
export interface Absence {
  /** Calls once the service has been silent for too long, at once (but not within this call) if that is known already. */
  whenAway(call: () => void): () => void;
  /** The service has said something. */
  heard(): void;
}

/**
 * Silence after which a service counts as away. One that is there answers within some milliseconds of being connected, and
 * an application that waits for its first connection gives up after some seconds.
 */
const SILENCE_MS = 1_000;

/** Starts with a service of which nothing is known. */
export function createAbsence(): Absence {
  let away = false;
  return {
    whenAway(call) {
      const timer = setTimeout(() => {
        away = true;
        call();
      }, away ? 0 : SILENCE_MS);
      return () => clearTimeout(timer);
    },
    heard() {
      away = false;
    },
  };
}
