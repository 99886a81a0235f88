import type { KubeObject } from "../schemas/kube.ts";

/** One change of the world, from whichever source; the object is whole: as it is now, or as it was last. */
export interface ObjectEvent {
  readonly kind: "apply" | "delete";
  readonly object: KubeObject;
}

/** Takes a batch of events, which is one consistent step: what it means together is published together. */
export type Emit = (events: readonly ObjectEvent[]) => void;
